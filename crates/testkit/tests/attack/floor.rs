//! The floor alone: a fence that grants anything, as a stolen operator identity could write it, and an account that RBAC would let do anything.

use bailiwick_core::fence::{Entry, SYSTEM_NAMESPACE};
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_core::plan::object::pruned;
use bailiwick_testkit::{Answer, JSON_PATCH, Result, path_of};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{
    FENCE, FLOOR, Rights, Scene, Shot, assert_done, assert_refused, better_image, idle, refused_meanwhile,
};

const NOT_IN_CATALOGUE: &str = "floor: not in the catalogue of changes";
const POD: &str = "/spec/template/spec";

/// An object with a name and nothing else.
fn named(version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}})
}

/// Requests outside the catalogue on workloads and quotas.
fn outside_on_workloads(place: &str) -> Vec<(&'static str, Shot)> {
    let web = path_of(Kind::Deployment, place, "web");
    let all = |kind| path_of(kind, place, "");
    let pods = json!({"spec": {"hard": {"pods": "9"}}});
    let mut binding = named("v1", "Binding", "web");
    binding["target"] = json!({"kind": "Node", "name": "x"});
    vec![
        ("the scale subresource", Shot::merge(format!("{web}/scale"), json!({"spec": {"replicas": 3}}))),
        ("the status subresource", Shot::merge(format!("{web}/status"), json!({"status": {"replicas": 9}}))),
        ("deleting a Deployment", Shot::delete(&web)),
        ("deleting all Deployments", Shot::delete(all(Kind::Deployment))),
        ("creating a Deployment", Shot::post(all(Kind::Deployment), idle("evil").deployment())),
        ("creating a pod", Shot::post(all(Kind::Pod), idle("evil").bare_pod())),
        ("a pod's binding", Shot::post(path_of(Kind::Pod, place, "web/binding"), binding)),
        ("changing a quota", Shot::merge(path_of(Kind::ResourceQuota, place, "few"), pods)),
    ]
}

/// Requests outside the catalogue on everything else.
fn outside_on_the_rest(place: &str) -> Vec<(&'static str, Shot)> {
    let of = |kind, object| Shot::post(path_of(kind, place, ""), object);
    let rbac = "rbac.authorization.k8s.io";
    let mut binding = named(&format!("{rbac}/v1"), "ClusterRoleBinding", "evil");
    binding["roleRef"] = json!({"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"});
    binding["subjects"] = json!([{"kind": "User", "name": "evil", "apiGroup": rbac}]);
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let admission = "admissionregistration.k8s.io/v1";
    let webhook = named(admission, "ValidatingWebhookConfiguration", "evil");
    let mut mandate = named("bailiwick.dev/v1alpha1", "Mandate", "evil");
    mandate["spec"] = json!({});
    let mandates = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{SYSTEM_NAMESPACE}/mandates");
    let territory = json!({"metadata": {"labels": {"autofix": "true"}}});
    vec![
        ("an account", of(Kind::ServiceAccount, named("v1", "ServiceAccount", "x"))),
        ("a Secret", of(Kind::Secret, named("v1", "Secret", "x"))),
        ("a token", Shot::post(path_of(Kind::ServiceAccount, place, "default/token"), token)),
        ("giving itself rights", Shot::post(format!("/apis/{rbac}/v1/clusterrolebindings"), binding)),
        ("a webhook", Shot::post(format!("/apis/{admission}/validatingwebhookconfigurations"), webhook)),
        ("a namespace", Shot::post("/api/v1/namespaces", named("v1", "Namespace", "evil"))),
        ("the territory", Shot::merge(format!("/api/v1/namespaces/{place}"), territory)),
        ("a mandate", Shot::post(mandates, mandate)),
    ]
}

#[tokio::test]
async fn whatever_is_outside_the_catalogue_is_refused() -> Result<()> {
    let scene = Scene::with_web("floor-list", Rights::Every).await?;
    scene.namespace.apply(&quota(3)).await?;
    let place = scene.namespace.name();
    for (what, shot) in [outside_on_workloads(place), outside_on_the_rest(place)].concat() {
        assert_refused(what, &shot.by(&scene).await?, FLOOR, NOT_IN_CATALOGUE);
    }
    // The same by the administrator, where it does no harm: the requests are sound.
    let admin = scene.cluster.admin();
    for (what, shot) in outside_on_workloads(place).into_iter().take(2) {
        assert_done(what, &shot.sent(&admin).await?);
    }
    let right = scene.armed(Kind::Deployment, "web", better_image()?).await?;
    scene.admitted(&right).await?;
    scene.end().await
}

fn quota(pods: u8) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
        "spec": {"hard": {"pods": pods.to_string()}},
    })
}

/// Whoever reaches into a container gets there by CONNECT, which no `create` rule covers.
#[tokio::test]
async fn no_container_is_entered_and_nothing_is_proxied() -> Result<()> {
    let scene = Scene::empty("floor-exec", Rights::Every).await?;
    // It is never scheduled: admission is asked before the node is.
    let pod = idle("web").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    scene.namespace.apply(&pod).await?;
    let path = path_of(Kind::Pod, scene.namespace.name(), "web");
    let admin = scene.cluster.admin();
    for (method, what) in [
        (Method::POST, "exec?command=id&stdout=true"),
        (Method::GET, "exec?command=id&stdout=true"),
        (Method::POST, "attach?stdout=true"),
        (Method::POST, "portforward"),
        (Method::GET, "proxy/"),
        (Method::POST, "proxy/"),
    ] {
        let shot = Shot::new(method, format!("{path}/{what}"), None);
        assert_refused(what, &shot.by(&scene).await?, FLOOR, NOT_IN_CATALOGUE);
        let answer = shot.sent(&admin).await?;
        assert!(answer.code != 403, "{what} by the administrator: {answer:?}");
    }
    let debug = json!({"spec": {"ephemeralContainers": [{"name": "x", "image": "x"}]}});
    let shot = Shot::new(
        Method::PATCH,
        format!("{path}/ephemeralcontainers"),
        Some(("application/strategic-merge-patch+json", debug)),
    );
    assert_refused("a debug container", &shot.by(&scene).await?, FLOOR, NOT_IN_CATALOGUE);
    assert_done("a debug container by the administrator", &shot.sent(&admin).await?);
    let evict = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}});
    let shot = Shot::post(format!("{path}/eviction"), evict);
    assert_refused("an eviction", &shot.by(&scene).await?, FLOOR, NOT_IN_CATALOGUE);
    assert_done("an eviction by the administrator", &shot.sent(&admin).await?);
    scene.end().await
}

/// Templates that must not come about, with the check that says no.
fn templates() -> Vec<(&'static str, Vec<Value>, &'static str)> {
    let add = |path: String, value: Value| json!({"op": "add", "path": path, "value": value});
    let pod = |key: &str, value: Value| vec![add(format!("{POD}/{key}"), value)];
    let main = |key: &str, value: Value| vec![add(format!("{POD}/containers/0/{key}"), value)];
    let identity = "a pod's identity, isolation and privileges";
    let volume = "a volume that reaches beyond";
    let containers = "a container has no privileges that none had before";
    let host = json!([{"name": "host", "hostPath": {"path": "/"}}]);
    let token = json!([{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]);
    let extra = json!({"name": "evil", "image": "x", "terminationMessagePolicy": "File"});
    let own = json!({"runAsNonRoot": true, "runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}});
    vec![
        ("another account", pod("serviceAccountName", json!("admin")), identity),
        ("its token mounted", pod("automountServiceAccountToken", json!(true)), identity),
        ("the host's network", pod("hostNetwork", json!(true)), identity),
        ("the host's processes", pod("hostPID", json!(true)), identity),
        ("the host's IPC", pod("hostIPC", json!(true)), identity),
        ("a named node", pod("nodeName", json!("node")), identity),
        ("another scheduler", pod("schedulerName", json!("evil")), identity),
        ("another priority", pod("priorityClassName", json!("system-node-critical")), identity),
        ("another runtime", pod("runtimeClassName", json!("evil")), identity),
        ("shared processes", pod("shareProcessNamespace", json!(true)), identity),
        ("root", pod("securityContext", own), identity),
        ("a host path", pod("volumes", host), volume),
        ("a token by volume", pod("volumes", token), volume),
        ("a driver's volume", pod("volumes", json!([{"name": "c", "csi": {"driver": "evil"}}])), volume),
        ("privileges", main("securityContext", json!({"privileged": true})), containers),
        ("a capability", main("securityContext/capabilities/add", json!(["SYS_ADMIN"])), containers),
        ("a port of the host", main("ports", json!([{"containerPort": 80, "hostPort": 80}])), containers),
        ("a second container, freer", vec![add(format!("{POD}/containers/-"), extra.clone())], containers),
        ("an init container, freer", pod("initContainers", json!([extra])), containers),
    ]
}

/// The fence is made to grant exactly the evil result, so that it says yes.
async fn with_forged_fence(scene: &Scene, what: &str, operations: Vec<Value>) -> Result<Answer> {
    forged_on(scene, Kind::Deployment, what, operations).await
}

/// The same on an object of another kind.
async fn forged_on(scene: &Scene, kind: Kind, what: &str, operations: Vec<Value>) -> Result<Answer> {
    let path = path_of(kind, scene.namespace.name(), "web");
    let patch = Shot::new(Method::PATCH, path, Some((JSON_PATCH, Value::Array(operations))));
    let wanted = patch.dry().sent(&scene.cluster.admin()).await?;
    assert_done(what, &wanted);
    let target = scene.target(kind, "web", &wanted.body)?;
    let mut entry = Entry::planning(Operation::Update, &target, scene.labels());
    entry.dry_run = false;
    entry.result = pruned(&wanted.body);
    scene.account.grant(entry).await?;
    bailiwick_testkit::wait_for("the forged grant to be seen", 5 * bailiwick_testkit::SECONDS, async || {
        let answer = patch.dry().by(scene).await?;
        Ok(bailiwick_testkit::Seen::when(!answer.refused_by(FENCE), (), answer))
    })
    .await?;
    patch.by(scene).await
}

#[tokio::test]
async fn a_forged_grant_gives_no_pod_more_than_it_had() -> Result<()> {
    let scene = Scene::with_web("floor-pod", Rights::Every).await?;
    for (what, operations, words) in templates() {
        let answer = with_forged_fence(&scene, what, operations).await?;
        assert_refused(what, &answer, FLOOR, words);
    }
    // What a change may set is let through by the floor: the fence is its wall.
    let path = format!("{POD}/containers/0/image");
    let mild = vec![json!({"op": "replace", "path": path, "value": "registry.example/app:3"})];
    assert_done("an image", &with_forged_fence(&scene, "an image", mild).await?);
    scene.end().await
}

/// Going back to a revision may add a container, and may take one away.
#[tokio::test]
async fn a_container_may_come_and_go_with_the_privileges_of_another() -> Result<()> {
    let scene = Scene::with_web("floor-beside", Rights::Every).await?;
    let live = scene.live(Kind::Deployment, "web").await?;
    let own = &live["spec"]["template"]["spec"]["containers"][0]["securityContext"];
    assert!(own.is_object(), "a container without bounds would prove nothing: {live}");
    let beside = json!({"name": "beside", "image": "registry.example/beside:1", "securityContext": own});
    let before = json!({"name": "before", "image": "registry.example/beside:1", "securityContext": own});
    let freer = json!({"name": "freer", "image": "registry.example/beside:1"});
    let end = format!("{POD}/containers/-");
    let init = format!("{POD}/initContainers");
    let containers = "a container has no privileges that none had before";
    for (what, operation, refused) in [
        ("one beside it", json!({"op": "add", "path": end, "value": beside}), false),
        ("one before it", json!({"op": "add", "path": init, "value": [before]}), false),
        ("a freer one beside both", json!({"op": "add", "path": end, "value": freer}), true),
        ("the first taken away", json!({"op": "remove", "path": format!("{POD}/containers/0")}), false),
    ] {
        let answer = with_forged_fence(&scene, what, vec![operation]).await?;
        if refused {
            assert_refused(what, &answer, FLOOR, containers);
        } else {
            assert_done(what, &answer);
        }
    }
    scene.end().await
}

/// What no change of the kind touches, each with the check that says no.
fn untouched() -> Vec<(Kind, &'static str, Value, &'static str)> {
    let field = "floor: a field that no change of the catalogue touches";
    let ports = "floor: of a Service's ports only what they lead to is changed";
    let rules = "floor: of an Ingress's rules only the Services of their paths are changed";
    let scaled = "floor: of what an autoscaler scales only the name is changed";
    let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    let service = json!({"service": {"name": "evil", "port": {"number": 80}}});
    let bucket = json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "evil"}});
    let path = json!({"path": "/evil", "pathType": "Prefix", "backend": service});
    let memory = json!({"name": "memory", "target": {"type": "AverageValue", "averageValue": "1"}});
    let metrics = json!([{"type": "Resource", "resource": memory}]);
    let job = json!({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "evil"}]}}}});
    vec![
        (Kind::Deployment, "paused", add("/spec/paused", json!(true)), field),
        (Kind::Deployment, "no history", add("/spec/revisionHistoryLimit", json!(0)), field),
        // Not a load balancer: its node ports are drawn anew for each request, so that the fence says no as well.
        (Kind::Service, "pods that are not ready", add("/spec/publishNotReadyAddresses", json!(true)), field),
        (Kind::Service, "an address of its own", add("/spec/externalIPs", json!(["192.0.2.1"])), field),
        (Kind::Service, "another port", add("/spec/ports/0/port", json!(81)), ports),
        (Kind::Service, "another protocol", add("/spec/ports/0/appProtocol", json!("evil")), ports),
        (Kind::Ingress, "a certificate", add("/spec/tls", json!([{"secretName": "evil"}])), field),
        (Kind::Ingress, "all the rest", add("/spec/defaultBackend", service.clone()), field),
        (Kind::Ingress, "another host", add("/spec/rules/0/host", json!("evil.example")), rules),
        (Kind::Ingress, "no host", json!({"op": "remove", "path": "/spec/rules/0/host"}), rules),
        (Kind::Ingress, "another path", add("/spec/rules/0/http/paths/0/path", json!("/evil")), rules),
        (Kind::Ingress, "a path more", add("/spec/rules/0/http/paths/-", path), rules),
        (Kind::Ingress, "a host more", add("/spec/rules/-", json!({"host": "evil.example"})), rules),
        (Kind::Ingress, "no Service", add("/spec/rules/0/http/paths/0/backend", bucket), rules),
        (Kind::HorizontalPodAutoscaler, "other metrics", add("/spec/metrics", metrics), field),
        (Kind::HorizontalPodAutoscaler, "another kind", add("/spec/scaleTargetRef/kind", json!("StatefulSet")), scaled),
        (Kind::HorizontalPodAutoscaler, "another API", add("/spec/scaleTargetRef/apiVersion", json!("a.b/v1")), scaled),
        (Kind::CronJob, "another program", add("/spec/jobTemplate", job), field),
        (Kind::CronJob, "another time", add("/spec/schedule", json!("* * * * *")), field),
    ]
}

#[tokio::test]
async fn a_forged_grant_touches_no_field_beyond_those_of_the_catalogue() -> Result<()> {
    let scene = Scene::with_web("floor-fields", Rights::Every).await?;
    scene.namespace.apply(&idle("web").service(8080)).await?;
    scene.namespace.apply(&crate::scene::cron_job("web")).await?;
    scene.namespace.apply(&crate::scene::ingress("web")).await?;
    scene.namespace.apply(&crate::scene::autoscaler("web")).await?;
    for (kind, what, operation, words) in untouched() {
        assert_refused(what, &forged_on(&scene, kind, what, vec![operation]).await?, FLOOR, words);
    }
    let set = |path: &str, value: Value| vec![json!({"op": "add", "path": path, "value": value})];
    for (kind, what, operations) in [
        (Kind::Service, "a selector", set("/spec/selector", json!({"app": "other"}))),
        (Kind::Service, "a target port", set("/spec/ports/0/targetPort", json!(9999))),
        (Kind::Ingress, "a class", set("/spec/ingressClassName", json!("other"))),
        (Kind::Ingress, "a Service", set("/spec/rules/0/http/paths/0/backend/service/name", json!("other"))),
        (Kind::Ingress, "a port", set("/spec/rules/0/http/paths/0/backend/service/port", json!({"name": "http"}))),
        (Kind::HorizontalPodAutoscaler, "the most", set("/spec/maxReplicas", json!(9))),
        (Kind::HorizontalPodAutoscaler, "the least", set("/spec/minReplicas", json!(2))),
        (Kind::HorizontalPodAutoscaler, "a target", set("/spec/scaleTargetRef/name", json!("other"))),
        (Kind::CronJob, "a pause", set("/spec/suspend", json!(false))),
        (Kind::Deployment, "replicas", set("/spec/replicas", json!(1))),
    ] {
        assert_done(what, &forged_on(&scene, kind, what, operations).await?);
    }
    scene.end().await
}

#[tokio::test]
async fn what_a_pod_has_may_stay() -> Result<()> {
    let scene = Scene::empty("floor-stay", Rights::Every).await?;
    let volumes = json!([{"name": "host", "hostPath": {"path": "/srv"}}, {"name": "conf", "configMap": {"name": "a"}}]);
    let mounts =
        json!([{"name": "host", "mountPath": "/srv", "readOnly": true}, {"name": "conf", "mountPath": "/etc/a"}]);
    let web = idle("web").pod_field("volumes", volumes).container("volumeMounts", mounts);
    scene.apply_and_settle(&web.deployment()).await?;
    let set = |path: &str, value: Value| json!({"op": "replace", "path": format!("{POD}/{path}"), "value": value});
    let volume = "a volume that reaches beyond";
    let containers = "a container has no privileges that none had before";
    for (what, operation, words) in [
        ("another path of the host", set("volumes/0/hostPath/path", json!("/")), volume),
        ("a mount made writable", set("containers/0/volumeMounts/0/readOnly", json!(false)), containers),
    ] {
        assert_refused(what, &with_forged_fence(&scene, what, vec![operation]).await?, FLOOR, words);
    }
    let conf = vec![set("volumes/1/configMap/name", json!("b"))];
    assert_done("another ConfigMap", &with_forged_fence(&scene, "another ConfigMap", conf).await?);
    scene.end().await
}

/// A grant cannot reach beyond the territory, nor into the product's own namespaces should somebody label them.
#[tokio::test]
async fn a_forged_grant_does_not_leave_the_territory() -> Result<()> {
    let scene = Scene::empty("floor-place", Rights::Every).await?;
    let admin = scene.cluster.admin();
    let outside = scene.cluster.namespace("floor-outside").create().await?;
    for place in [outside.name(), "kube-system", SYSTEM_NAMESPACE] {
        let shot = Shot::post(path_of(Kind::ResourceQuota, place, ""), quota(3)).dry();
        assert_refused(place, &shot.by(&scene).await?, FLOOR, "floor: outside the territory");
        assert_done(place, &shot.sent(&admin).await?);
    }
    scene.end().await
}

/// Nothing but the name tells one object from all of them: the grant here is for one pod.
#[tokio::test]
async fn one_object_at_a_time() -> Result<()> {
    let scene = Scene::empty("floor-all", Rights::Every).await?;
    let pod = idle("web").pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    scene.namespace.apply(&pod).await?;
    let live = scene.live(Kind::Pod, "web").await?;
    let mut entry = Entry::planning(Operation::Delete, &scene.target(Kind::Pod, "web", &live)?, scene.labels());
    entry.dry_run = false;
    entry.result = live;
    scene.account.grant(entry.clone()).await?;
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
    let delete = |name: &str| {
        let path = path_of(Kind::Pod, scene.namespace.name(), name);
        Shot::new(Method::DELETE, path, Some(("application/json", options.clone())))
    };
    scene.admitted(&delete("web").dry()).await?;
    // A grant that names nothing would let the fence say yes.
    entry.name = String::new();
    scene.account.grant(entry).await?;
    refused_meanwhile(&scene, &delete(""), FLOOR, "floor: more than one object at a time").await?;
    let answer = delete("").by(&scene).await?;
    assert_refused("all pods", &answer, FLOOR, "floor: more than one object at a time");
    assert!(scene.live(Kind::Pod, "web").await?["metadata"]["deletionTimestamp"].is_null());
    assert_done("all pods by the administrator", &delete("").sent(&scene.cluster.admin()).await?);
    scene.end().await
}
