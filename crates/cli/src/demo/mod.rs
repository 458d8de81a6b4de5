//! `bailiwick demo`: real workloads are broken on a real cluster, and everything said about
//! Bailiwick is looked at: repair, refusal, approval, fence, receipts.
//!
//! Owns the order of the drills. Must never say what was not just seen, and must leave the cluster
//! as it was found. Talks to the API server; starts this program as its users would.

mod args;
mod ask;
mod ballot;
mod board;
mod drill;
mod drills;
mod grant;
mod ground;
mod interrupt;
mod mend;
mod people;
mod preflight;
mod record;
mod scene;
mod stage;
mod story;
mod wait;
mod workload;
mod yourself;

pub use args::Args;

use crate::commands::Session;
use crate::exit::{Exit, Failure, Outcomes};
use crate::installed;
use crate::out::Format;
use crate::style::Role;
use drill::Drill;
use futures::FutureExt as _;
use futures::future::join_all;
use ground::Ground;
use interrupt::Interrupts;
use preflight::fatal;
use story::{Stop, Story};

/// Drills that run side by side.
const TOGETHER: &[Drill] = &[Drill::Authority, Drill::Quota, Drill::Memory, Drill::Forgery];

/// Runs the command.
///
/// # Errors
/// Where the cluster cannot be used for it.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    if args.print_mandate {
        session.out.text(stage::MANDATE)?;
        return Ok(Exit::Ok);
    }
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let images = args.images()?;
    let cluster = session.connect().await?;
    let territory = installed::territory(&cluster).await?;
    preflight::look(&cluster, &territory).await?;
    let (drills, skipped) = args.drills();
    let people = preflight::people(&session.global).await?;
    let ground = Ground {
        story: Story::new(session.out, &drills),
        admin: people.caller().map_err(fatal)?,
        yourself: yourself::Yourself::find(&session.global).map_err(fatal)?,
        limits: stage::mandate().map_err(fatal)?.spec.limits,
        people,
        cluster,
        images,
        prefix: args.prefix.clone(),
        territory,
        mends: mend::Mends::default(),
    };
    let taken = stage::taken(&ground, &drills).await.map_err(fatal)?;
    if !taken.is_empty() {
        return Err(Failure::error(format!("these namespaces exist and are not the demo's: {}", taken.join(", ")))
            .next("choose other names: --prefix demo-"));
    }
    tell_beginning(&ground, &skipped);
    let mut interrupts = Interrupts::listen().map_err(fatal)?;
    let (played, ended) = tokio::select! {
        played = play_all(&ground, &drills) => (played, None),
        exit = interrupts.came() => (Ok(()), Some(exit)),
    };
    let mended = ground.mends.all(&ground).await;
    if !args.keep {
        ground.story.say(Role::Dim, "taking the demo's namespaces, roles and Mandate away");
        stage::clear(&ground).await.map_err(fatal)?;
    }
    played.and(mended).map_err(fatal)?;
    if let Some(exit) = ended.or_else(|| interrupts.came().now_or_never()) {
        return Err(interrupt::failure(exit));
    }
    report(session, &ground, &skipped)
}

fn tell_beginning(ground: &Ground, skipped: &[String]) {
    let story = &ground.story;
    let limits = &ground.limits;
    story.say(Role::Head, &format!("Bailiwick demo on {}", ground.cluster.place.words()));
    story.say(
        Role::Plain,
        &format!(
            "Its Mandate (bailiwick demo --print-mandate) sets short delays openly: a finding must last {} s before \
             anything is proposed, a repaired workload must stay healthy for {} s, and has {} s to become so. \
             These are shown apart from Bailiwick's own time.",
            limits.healthy_delay_seconds, limits.hold_seconds, limits.recovery_window_seconds
        ),
    );
    story.say(
        Role::Plain,
        "The people are identities of their own: erin works on the workloads, alice proposes, bob approves, dana may do \
         both, vic looks, mallory edits namespaces and was given more in RBAC than an editor has, sue may suspend. They are \
         impersonated with your kubeconfig: admission and RBAC see the effective user alone.",
    );
    for what in skipped {
        story.say(Role::Warn, &format!("skipped: {what}"));
    }
}

async fn play_all(ground: &Ground, drills: &[Drill]) -> Result<(), Stop> {
    stage::set(ground, drills).await?;
    let (together, alone): (Vec<Drill>, Vec<Drill>) = drills.iter().partition(|d| TOGETHER.contains(d));
    if together.len() > 1 {
        ground.story.say(Role::Dim, "the drills run side by side; each is told whole, with its own times");
    }
    join_all(together.into_iter().map(|drill| Box::pin(play(ground, drill)))).await;
    for drill in alone {
        Box::pin(play(ground, drill)).await;
    }
    Ok(())
}

async fn play(ground: &Ground, drill: Drill) {
    let scene = ground.story.scene(drill);
    let played = match drill {
        Drill::Authority => Box::pin(drills::authority::run(ground, &scene)).await,
        Drill::Quota => Box::pin(drills::quota::run(ground, &scene)).await,
        Drill::Memory => Box::pin(drills::memory::run(ground, &scene)).await,
        Drill::Forgery => Box::pin(drills::forgery::run(ground, &scene)).await,
        Drill::Theft => Box::pin(drills::theft::run(ground, &scene)).await,
        Drill::Policy => Box::pin(drills::policy::run(ground, &scene)).await,
        Drill::Receipts => Box::pin(drills::receipts::run(ground, &scene)).await,
    };
    if let Err(stop) = played {
        scene.stopped(stop);
    }
    ground.story.ended(drill);
}

fn report(session: &Session, ground: &Ground, skipped: &[String]) -> Outcomes {
    let records = ground.story.records();
    let seconds = ground.story.elapsed().as_secs_f64();
    let (passed, failed) = record::count(&records);
    if session.out.is_for_people() {
        ground.story.gap();
        ground.story.block(&record::table(&records, ground.story.look()));
        ground.story.gap();
        for what in skipped {
            ground.story.say(Role::Warn, &format!("skipped: {what}"));
        }
        let role = if failed == 0 { Role::Good } else { Role::Bad };
        let text = format!("{passed} of {} checks are as expected, in {seconds:.0} s", passed + failed);
        ground.story.say(role, &text);
    } else {
        session.out.value(&record::json(&records, seconds, skipped))?;
    }
    Ok(if failed == 0 && passed > 0 { Exit::Ok } else { Exit::Finding })
}
