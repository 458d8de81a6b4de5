//! A way to the API server on which everything can go wrong: requests and replies get lost, late, short or wrong, and streams fall silent.
//!
//! Owns its own certificate authority, so that both sides speak TLS over real sockets, HTTP/1.1 or 2. Each operator of a test has a proxy of its own, so what is done to one client is done to no other. Must never answer in the API server's place but where a fault says so, and counts what it did. Listens on the loopback alone.

mod asked;
mod fault;
mod serve;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use kube::Client;
use kube::config::{AuthInfo, Kubeconfig};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use asked::Asked;
pub use fault::{Fault, Flow, Reply};

use crate::cluster::TestCluster;
use crate::identity::client;
use crate::operator::Outside;
use fault::{Plan, Valve};

const HOST: &str = "127.0.0.1";

/// One request that came by.
#[derive(Debug, Clone)]
pub struct Passed {
    /// What was asked for.
    pub asked: Arc<Asked>,
    /// When.
    pub at: Instant,
    /// What happened to it.
    pub fault: Option<Fault>,
    /// The status that the client was told, if any.
    pub told: Option<u16>,
}

/// What the proxy and its connections share.
struct Shared {
    upstream: Client,
    plan: Mutex<Plan>,
    log: Mutex<Vec<Passed>>,
    valve: watch::Sender<Valve>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running proxy; gone when this is dropped, with every connection.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: String,
    kubeconfig: PathBuf,
    /// Ends when dropped.
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Listens before the API server of the cluster; `outside` is whose way it becomes.
    ///
    /// # Errors
    /// Fails where no port or certificate can be had.
    pub async fn start(cluster: &TestCluster, outside: &Outside) -> Result<Self> {
        let mut config = cluster.config().clone();
        // Who asks is told by the requests themselves.
        config.auth_info = AuthInfo::default();
        config.read_timeout = None;
        let mut proxy = Self::before(client(config)?).await?;
        proxy.kubeconfig = proxy.write_kubeconfig(cluster, outside)?;
        Ok(proxy)
    }

    async fn before(upstream: Client) -> Result<Self> {
        let (acceptor, authority) = tls::acceptor(HOST)?;
        let listener = TcpListener::bind((HOST, 0)).await.context("listen for the operator")?;
        let address = listener.local_addr()?;
        let valve = watch::Sender::new(Valve::default());
        let shared = Arc::new(Shared { upstream, plan: Mutex::default(), log: Mutex::default(), valve });
        let mut accepting = JoinSet::new();
        accepting.spawn(serve::accept(listener, acceptor, Arc::clone(&shared)));
        Ok(Self { shared, address, authority, kubeconfig: PathBuf::new(), _accepting: accepting })
    }

    /// The kubeconfig that leads through it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    /// Lets `fault` happen to the next request for which `condition` holds, once.
    pub fn arm(&self, fault: Fault, condition: impl Fn(&Asked) -> bool + Send + 'static) {
        self.arm_times(fault, 1, condition);
    }

    /// Lets `fault` happen to the next `times` requests for which `condition` holds.
    pub fn arm_times(&self, fault: Fault, times: usize, condition: impl Fn(&Asked) -> bool + Send + 'static) {
        locked(&self.shared.plan).arm(fault, times, Box::new(condition));
    }

    /// Forgets every fault that has not happened yet.
    pub fn disarm(&self) {
        locked(&self.shared.plan).disarm();
    }

    /// From now on decides for each request, and for each stream under way, whether anything gets through.
    pub fn flow(&self, rule: impl Fn(&Asked) -> Flow + Send + Sync + 'static) {
        self.shared.valve.send_replace(Valve::new(rule));
    }

    /// Everything gets through again; what was held back comes late.
    pub fn flow_again(&self) {
        self.shared.valve.send_replace(Valve::default());
    }

    /// How many faults happened.
    pub fn happened(&self) -> usize {
        locked(&self.shared.plan).happened()
    }

    /// How many requests have come by; the next one has this number.
    pub fn count(&self) -> usize {
        locked(&self.shared.log).len()
    }

    /// The requests that came by since there were `since` of them.
    pub fn passed(&self, since: usize) -> Vec<Passed> {
        locked(&self.shared.log).get(since..).unwrap_or_default().to_vec()
    }

    fn write_kubeconfig(&self, cluster: &TestCluster, outside: &Outside) -> Result<PathBuf> {
        let mut file = Kubeconfig::read_from(outside.kubeconfig()).context("read the operator's kubeconfig")?;
        let dir = cluster.artifacts("operator")?;
        let ca = dir.join(format!("proxy-{}.pem", self.address.port()));
        std::fs::write(&ca, &self.authority).context("write the proxy's authority")?;
        for named in &mut file.clusters {
            if let Some(way) = &mut named.cluster {
                way.server = Some(format!("https://{}", self.address));
                way.certificate_authority_data = None;
                way.certificate_authority = Some(ca.display().to_string());
            }
        }
        let path = dir.join(format!("proxy-{}.kubeconfig", self.address.port()));
        std::fs::write(&path, serde_saphyr::to_string(&file)?).context("write the proxy's kubeconfig")?;
        Ok(path)
    }
}
