//! Tests of what last words say.

use crate::analyze::fixture::{World, at, backing_off, merge, spec, waiting, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn dies(exit: Value) -> Vec<String> {
    let mut w = World::new();
    w.put(Kind::Namespace, json!({"metadata": {"name": "data"}}));
    w.put(Kind::Service, json!({"metadata": {"name": "front"}, "spec": {"type": "ExternalName"}}));
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", backing_off(4, exit));
    w.web()
}

#[test]
fn last_words_name_the_cause() {
    let start = |message: &str| json!({"reason": "StartError", "exitCode": 128, "message": message});
    let said = |code: i32, message: &str| json!({"exitCode": code, "message": message});
    for (exit, cause) in [
        (said(1, "exec /app: exec format error"), "WrongArchitecture"),
        (start("failed to create task: exec: \"/app\": exec format error"), "WrongArchitecture"),
        (said(127, "sh: wge: not found"), "CommandNotFound"),
        (said(126, ""), "CommandNotFound"),
        (start("exec: \"srv\": executable file not found in $PATH"), "CommandNotFound"),
        (start("exec: \"/srv\": permission denied"), "CommandNotFound"),
        (start("error during container init: mkdir /srv/data: no such file or directory"), "ContainerNotMade"),
        (start("error during container init: exec: \"/srv\": is a directory"), "CommandNotFound"),
        (said(1, "listen tcp :8080: bind: address already in use"), "PortConflict"),
        (said(1, "write /data/x: no space left on device"), "VolumeFull"),
        (
            said(
                1,
                "pods is forbidden: User \"system:serviceaccount:shop:web\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"",
            ),
            "AccessDenied",
        ),
        (said(1, "dial tcp: lookup orders on 10.96.0.10:53: no such host"), "ServiceMissing"),
        (said(1, "Error: getaddrinfo ENOTFOUND orders.data.svc.cluster.local"), "ServiceMissing"),
        (said(1, "could not translate host name \"db.data\" to address: Name or service not known"), "ServiceMissing"),
        (said(1, "dial tcp: lookup front on 10.96.0.10:53: no such host"), "CrashLoop"),
        (said(1, "dial tcp: lookup api.example.com: no such host"), "CrashLoop"),
        (said(1, "permission denied"), "CrashLoop"),
        (said(2, "panic: oops"), "CrashLoop"),
    ] {
        let found = dies(exit.clone());
        assert!(found.len() == 1 && found[0].starts_with(&format!("{cause} ")), "{exit}: {found:?}");
    }
}

#[test]
fn a_container_that_cannot_be_made_is_told_in_the_kubelets_words() {
    let waits = |reason: &str, message: &str| {
        let mut w = World::new();
        w.deployment(2, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]).well(1, "bcdfg");
        w.pod(2, "hjklm", waiting(reason, message));
        w.web()
    };
    let user = "container's runAsUser breaks non-root policy (pod: \"web-r2-hjklm_shop(x)\", container: web)";
    let found = waits("CreateContainerConfigError", user);
    assert!(found[0].starts_with("ContainerNotMade Warning [web]: container web \"container's runAsUser"), "{found:?}");
    assert!(found[0].ends_with("-> RolloutUndo(1)"), "{found:?}");
    let profile = "failed to create containerd container: cannot load seccomp profile \"/x/absent.json\": open /x/absent.json: no such file or directory";
    assert!(waits("CreateContainerError", profile)[0].starts_with("ContainerNotMade "), "it is no command");
    for passing in [
        "failed to sync configmap cache: timed out waiting for the condition",
        "services have not yet been read at least once, cannot construct envvars",
    ] {
        assert_eq!(waits("CreateContainerConfigError", passing), [""; 0], "{passing}");
    }
}

#[test]
fn a_program_that_never_begins_is_told_by_how_it_ends() {
    let silent = |more: Value| {
        let mut exit = json!({"exitCode": 255, "startedAt": at(580), "finishedAt": at(580)});
        merge(&mut exit, more);
        exit
    };
    let rollout = |restarts: u32, exit: Value| {
        let mut w = World::new();
        w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:arm"}))]).well(1, "bcdfg");
        w.pod(2, "hjklm", backing_off(restarts, exit));
        w
    };
    let found = rollout(1, silent(json!({}))).web();
    assert!(found[0].starts_with("WrongArchitecture ") && found[0].ends_with("-> RolloutUndo(1)"), "{found:?}");
    for (restarts, other) in [
        (0, json!({})),
        (1, json!({"exitCode": 1})),
        (1, json!({"message": "bad flag"})),
        (1, json!({"finishedAt": at(582)})),
        (1, json!({"startedAt": null})),
    ] {
        let found = rollout(restarts, silent(other.clone())).web();
        assert!(found.iter().all(|f| f.starts_with("CrashLoop ")), "{other}: {found:?}");
    }
    let mut w = rollout(1, silent(json!({})));
    w.pod_of((Kind::Job, "try"), "bcdfg", spec(json!({"image": "shop/web:arm"})), well());
    assert!(w.web()[0].starts_with("CrashLoop "), "elsewhere it runs: {:?}", w.web());
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"args": ["--strict"]}))]).well(1, "bcdfg");
    w.pod(2, "hjklm", backing_off(1, silent(json!({}))));
    assert!(w.web()[0].starts_with("CrashLoop "), "the same image served: {:?}", w.web());
}

#[test]
fn a_refusal_is_told_as_the_role_that_is_missing() {
    let found = dies(
        json!({"message": "deployments.apps is forbidden: User \"system:serviceaccount:shop:web\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope"}),
    );
    assert!(found[0].contains("no role lets \"shop:web\" list \"deployments.apps\" in the whole cluster"), "{found:?}");
}

#[test]
fn two_containers_with_one_port_are_told_though_nothing_is_said() {
    let mut w = World::new();
    let two = json!({"containers": [{"name": "web", "image": "a:1", "ports": [{"containerPort": 8080}]},
        {"name": "proxy", "image": "b:1", "ports": [{"containerPort": 8080}]}], "restartPolicy": "Always"});
    w.deployment(1, std::slice::from_ref(&two));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", two, backing_off(4, json!({})));
    assert_eq!(
        w.web(),
        [
            "PortConflict Critical [web]: container web ends with exit code 1, restarted 4 times: container \"proxy\" of the pod declares the same port 8080"
        ]
    );
}

#[test]
fn an_init_container_that_fails_and_speaks_of_a_service_that_is_gone_names_it() {
    let mut w = World::new();
    let pod = json!({"initContainers": [{"name": "wait", "image": "b:1", "args": ["--connect", "orders:8080"]}],
        "containers": [{"name": "web", "image": "a:1"}], "restartPolicy": "Always"});
    w.deployment(1, std::slice::from_ref(&pod));
    let status = json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "restartCount": 2,
        "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]});
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, status);
    let found = w.web();
    assert!(found[0].starts_with("ServiceMissing Critical [wait]: container wait ends with exit code 1, restarted twice: its command speaks of Service \"orders\""), "{found:?}");
    w.put(Kind::Service, json!({"metadata": {"name": "orders"}, "spec": {"type": "ExternalName"}}));
    assert!(w.web()[0].starts_with("CrashLoop "));
}
