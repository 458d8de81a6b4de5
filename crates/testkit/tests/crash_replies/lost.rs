//! Replies that get lost after the API server has done what was asked: nothing is done twice, nothing is given up.

use bailiwick_testkit::{Asked, Fault, ProcessOptions, Proxy, Result, SECONDS};

use crate::kill::{Run, say};
use crate::life::Life;
use crate::stage::Stage;

/// A request by method and path; of these the one after `skip` others.
#[derive(Debug, Clone, Copy)]
struct Request {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    dry: bool,
    skip: usize,
}

const fn request(what: &'static str, method: &'static str, path: &'static str) -> Request {
    Request { what, method, path, dry: false, skip: 0 }
}

/// Everything that is asked for in the life of a quota's deletion.
const QUOTA: &[Request] = &[
    request("the write", "DELETE", "/resourcequotas/"),
    Request { dry: true, ..request("the first dry run", "DELETE", "/resourcequotas/") },
    Request { dry: true, skip: 1, ..request("the second dry run", "DELETE", "/resourcequotas/") },
    Request { dry: true, skip: 2, ..request("the third dry run", "DELETE", "/resourcequotas/") },
    request("a fence revision", "POST", "/controllerrevisions"),
    Request { skip: 1, ..request("the fence revision without the grant", "POST", "/controllerrevisions") },
    Request { skip: 2, ..request("the fence revision of the write", "POST", "/controllerrevisions") },
    request("a fence revision's removal", "DELETE", "/controllerrevisions/"),
    request("the account", "POST", "/bailiwick-grants/serviceaccounts"),
    request("the Secret", "POST", "/bailiwick-grants/secrets"),
    request("the RoleBinding", "POST", "/rolebindings"),
    request("the token", "POST", "/token"),
    request("the RoleBinding's removal", "DELETE", "/rolebindings/"),
    request("the Secret's removal", "DELETE", "/bailiwick-grants/secrets/"),
    request("the account's removal", "DELETE", "/bailiwick-grants/serviceaccounts/"),
    request("the first record", "PATCH", "/status"),
    Request { skip: 4, ..request("the fifth record", "PATCH", "/status") },
    Request { skip: 8, ..request("the ninth record", "PATCH", "/status") },
    request("a receipt", "POST", "/receipts"),
    Request { skip: 1, ..request("the second receipt", "POST", "/receipts") },
];

const RESTART: &[Request] = &[
    request("the write", "PATCH", "/deployments/"),
    Request { dry: true, ..request("a dry run", "PATCH", "/deployments/") },
];

impl Request {
    /// Everything may lose its reply. What a client might try again by itself, and what must not be, is also answered 504; for the write alone it matters whether it arrived.
    fn faults(self) -> &'static [Fault] {
        let all = &[Fault::ReplyLost, Fault::TIMEOUT, Fault::RequestLost];
        match self.what {
            "the write" => all,
            "a fence revision" | "the account" | "the token" | "the first record" | "a receipt" => &all[..2],
            _ => &all[..1],
        }
    }

    /// A condition that holds for this request once; the change's own status is meant, not a mandate's.
    fn condition(self) -> impl Fn(&Asked) -> bool + Send + 'static {
        let passed = std::sync::atomic::AtomicUsize::new(0);
        move |asked: &Asked| {
            let path = asked.path.split('?').next().unwrap_or_default();
            let meant = match self.path {
                "/status" => path.contains("/changes/") && path.ends_with("/status"),
                path_part if self.method == "POST" => path.ends_with(path_part),
                path_part if path_part.starts_with("/bailiwick-grants") => {
                    path.contains(path_part) && !path.ends_with("/token")
                }
                path_part => path.contains(path_part),
            };
            let same = asked.method.as_str() == self.method && meant && asked.is_dry_run() == self.dry;
            same && passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == self.skip
        }
    }
}

pub(crate) async fn everywhere(stage: &Stage) -> Result<()> {
    let proxy = Proxy::start(&stage.cluster, &stage.outside).await?;
    let options = ProcessOptions { kubeconfig: Some(proxy.kubeconfig()), ..ProcessOptions::default() };
    let mut operator = stage.start(options.clone())?;
    operator.ready(30 * SECONDS).await?;
    let requests = if stage.life == Life::Quota { QUOTA } else { RESTART };
    let mut happened = 0;
    for request in requests {
        for fault in request.faults() {
            let what = format!("{fault:?} of {}", request.what);
            proxy.arm(*fault, request.condition());
            let begin = std::time::Instant::now();
            let run = Run { stage, audit: stage.cluster.audit()?, options: options.clone() };
            let died = Box::pin(run.with(&mut operator)).await.map_err(|e| e.context(what.clone()))?;
            anyhow::ensure!(!died, "{what}: the operator died");
            happened += 1;
            anyhow::ensure!(proxy.happened() == happened, "{what}: it did not happen");
            say(&format!("{what}: {:.1} s", begin.elapsed().as_secs_f64()))?;
        }
    }
    operator.kill()
}
