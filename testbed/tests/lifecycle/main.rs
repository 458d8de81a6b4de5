//! The life of real clusters: side by side, brought up twice, taken down, and killed at bad moments. After each nothing may be left: no process, namespace, veth, cgroup or directory. Has no harness because this program is the clusters' owner, keeper and node as well; needs root, and says so when it is skipped.

mod traces;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bailiwick_testbed::{Cluster, Options, Progress, Signal, State, helper_main, list};

use traces::{GONE_WITHIN, Traces};

const OWN: &str = "__own";

fn main() -> ExitCode {
    if let Some(code) = helper_main(std::env::args_os()) {
        return code;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [OWN, name, life] => own(name, *life == "ephemeral"),
        args if args.contains(&"--list") => {
            say("lifecycle: test");
            Ok(())
        }
        _ if !rustix::process::geteuid().is_root() => {
            say("lifecycle: skipped, because a test cluster needs root");
            Ok(())
        }
        _ => run(),
    };
    outcome.map_or_else(
        |error| {
            say(&format!("lifecycle: FAILED: {error:#}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// Owns a cluster until it is killed.
fn own(name: &str, ephemeral: bool) -> Result<()> {
    let progress = Progress::new(say);
    let _cluster = Cluster::up(&Options { ephemeral, progress, ..Options::named(name) })?;
    say("owned");
    std::thread::sleep(Duration::from_secs(600));
    Ok(())
}

type Test = fn() -> Result<()>;

fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

fn run() -> Result<()> {
    let tests: [(&str, Test); 6] = [
        ("two clusters side by side", side_by_side),
        ("up is idempotent and survives its owner", outlives_its_owner),
        ("owner killed in use", owner_killed_in_use),
        ("owner killed while it comes up", owner_killed_mid_up),
        ("keeper killed", keeper_killed),
        ("API server killed", api_server_killed),
    ];
    for (name, test) in tests {
        let begin = Instant::now();
        test().with_context(|| name.to_owned())?;
        say(&format!("lifecycle: {name}: ok ({:.1} s)", begin.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Another process that owns a cluster; returns when it has printed a line that contains `until`.
fn start_owner(name: &str, life: &str, until: &str) -> Result<Child> {
    let mut owner = Command::new("/proc/self/exe").args([OWN, name, life]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(owner.stdout.take().context("no stdout")?).lines();
    let said = lines.by_ref().map_while(Result::ok).any(|line| line.contains(until));
    ensure!(said, "the owner of {name} ended before it said `{until}`");
    Ok(owner)
}

fn kill(mut child: Child) -> Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn side_by_side() -> Result<()> {
    let up = |name: &str| Cluster::up(&Options { ephemeral: true, ..Options::named(name) });
    let (one, two) = (up("life-one")?, up("life-two")?);
    let traces = (Traces::of("life-one")?, Traces::of("life-two")?);
    ensure!(one.address() != two.address(), "they share an address");
    one.output(&["kubectl", "create", "namespace", "only-in-one"])?;
    let names = two.output(&["kubectl", "get", "namespaces", "-o", "name"])?;
    ensure!(!names.contains("only-in-one"), "they share an API server");
    let again = up("life-one").map(|_| ()).map_err(|error| error.to_string());
    ensure!(again.is_err_and(|why| why.contains("in use already")), "an ephemeral cluster was handed out twice");
    drop(one);
    ensure!(traces.0.left().is_empty(), "left when `drop` returned: {:?}", traces.0.left());
    two.output(&["kubectl", "get", "--raw", "/readyz"])?;
    drop(two);
    traces.1.gone()
}

fn outlives_its_owner() -> Result<()> {
    kill(start_owner("life-lasting", "lasting", "owned")?)?;
    std::thread::sleep(Duration::from_secs(1));
    let traces = Traces::of("life-lasting")?;
    let before = Cluster::open("life-lasting")?.output(&[
        "kubectl",
        "get",
        "namespace",
        "default",
        "-o",
        "jsonpath={.metadata.uid}",
    ])?;
    let again = Cluster::up(&Options::named("life-lasting"))?;
    let after = again.output(&["kubectl", "get", "namespace", "default", "-o", "jsonpath={.metadata.uid}"])?;
    ensure!(before == after, "`up` made another cluster");
    ensure!(Cluster::down("life-lasting")?, "it was not found");
    ensure!(traces.left().is_empty(), "left when `down` returned: {:?}", traces.left());
    ensure!(!Cluster::down("life-lasting")?, "it was found again");
    Ok(())
}

fn owner_killed_in_use() -> Result<()> {
    let owner = start_owner("life-used", "ephemeral", "owned")?;
    let traces = Traces::of("life-used")?;
    kill(owner)?;
    traces.gone()
}

fn owner_killed_mid_up() -> Result<()> {
    for life in ["ephemeral", "lasting"] {
        let owner = start_owner("life-early", life, "API server ready")?;
        let traces = Traces::of("life-early")?;
        kill(owner)?;
        traces.gone().with_context(|| life.to_owned())?;
    }
    Ok(())
}

/// Nobody is left to clean up; the next one does.
fn keeper_killed() -> Result<()> {
    kill(start_owner("life-kept", "lasting", "owned")?)?;
    let traces = Traces::of("life-kept")?;
    let keeper = fs::read_to_string(traces.dir.join("keeper.pid")).context("read keeper.pid")?;
    let keeper = rustix::process::Pid::from_raw(keeper.parse()?).context("keeper.pid holds no pid")?;
    rustix::process::kill_process(keeper, rustix::process::Signal::KILL)?;
    let deadline = Instant::now() + GONE_WITHIN;
    while traces.left().iter().any(|what| what.starts_with("process")) {
        ensure!(Instant::now() < deadline, "the node outlived its keeper");
        std::thread::sleep(Duration::from_millis(50));
    }
    ensure!(list()?.iter().any(|c| c.name == "life-kept" && c.state == State::Dead), "it is not listed as dead");
    ensure!(Cluster::open("life-kept").is_err(), "a dead cluster was opened");
    drop(Cluster::up(&Options { ephemeral: true, ..Options::named("life-next") })?);
    ensure!(traces.left().is_empty(), "left by the next `up`: {:?}", traces.left());
    Ok(())
}

fn api_server_killed() -> Result<()> {
    let cluster = Cluster::up(&Options { ephemeral: true, ..Options::named("life-api") })?;
    cluster.output(&["kubectl", "create", "configmap", "kept"])?;
    let begin = Instant::now();
    cluster.restart("kube-apiserver", Signal::Kill, Duration::from_secs(1))?;
    ensure!(begin.elapsed() >= Duration::from_secs(1), "it was not down for a second");
    cluster.wait_ready(Duration::from_secs(30))?;
    cluster.output(&["kubectl", "get", "configmap", "kept"])?;
    let writes = fs::read_to_string(cluster.audit_log())?;
    ensure!(
        writes.lines().filter(|line| line.contains(r#""name":"kept""#)).count() == 1,
        "the audit log does not show exactly one write"
    );
    Ok(())
}
