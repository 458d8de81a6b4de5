//! The rows: what each shows, how often, and by which tests. A flat table.

/// What is shown so many times.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// How many runs are the aim, over all parts together.
    pub(super) figure: u64,
    /// What the measured seconds are of; empty where nothing is measured.
    pub(super) measured: &'static str,
    /// The tests, each with its share of the runs.
    pub(super) parts: &'static [Part],
}

/// A test that repeats what a row shows.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) suite: &'static str,
    pub(super) test: &'static str,
    /// Runs in one go: so many as end well within the limit of a suite.
    pub(super) batch: u64,
}

const fn part(suite: &'static str, test: &'static str, batch: u64) -> Part {
    Part { suite, test, batch }
}

/// The suite that needs no cluster.
pub(super) const SIMULATION: &str = "simulation";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "R01",
        what: "the operator is killed at every fail point, at every passage of it; one write, nothing left",
        figure: 1000,
        measured: "from proposal to the end of the aftermath",
        parts: &[
            part("crash", "in_the_life_of_an_approved_deletion", 60),
            part("crash_rollouts", "in_the_life_of_a_preapproved_patch", 40),
            part("crash_rollouts", "while_rolling_back", 30),
        ],
    },
    Row {
        name: "R04",
        what: "the leader is killed at every fail point; another replica goes on (lease of 4 s)",
        figure: 400,
        measured: "from the leader's death to the end of the Change",
        parts: &[part("faults", "a_leader_that_dies", 30)],
    },
    Row {
        name: "R05",
        what: "the leader is frozen just before its write and thawed when another has written; its write is refused",
        figure: 100,
        measured: "from the freezing to the end of the Change",
        parts: &[part("faults", "a_leader_back_from_the_dead", 25)],
    },
    Row {
        name: "R06",
        what: "the leader alone cannot reach its lease (15 s, deadline 10 s); it stops and another leads",
        figure: 20,
        measured: "until it stopped",
        parts: &[part("faults", "a_leader_without_its_lease", 8)],
    },
    Row {
        name: "R07",
        what: "the reply to the write is lost, cut, wrong or never comes; it is read back, one write",
        figure: 200,
        measured: "from proposal to the end of the aftermath",
        parts: &[part("faults", "lost_replies_to_the_write", 50)],
    },
    Row {
        name: "R08",
        what: "every kind of request is answered 429, 500, 503, 504, with and without Retry-After",
        figure: 112,
        measured: "until the same was asked again",
        parts: &[part("faults", "refusals_of_every_verb", 40)],
    },
    Row {
        name: "R09",
        what: "the API server is killed again and again while Changes are under way; each ends, with one write",
        figure: 20,
        measured: "from the last return to the end of all",
        parts: &[part("races", "an_api_server_killed_under_changes", 20)],
    },
    Row {
        name: "R10",
        what: "every watch loses its place (410) while an object is deleted; found by the new list, no Incident twice",
        figure: 50,
        measured: "until the deletion was found",
        // One more, and their Incidents would be a storm.
        parts: &[part("faults", "watches_that_lose_their_place", 4)],
    },
    Row {
        name: "R11",
        what: "every watch falls silent with its connection open, at the default of 55 s",
        figure: 20,
        measured: "until what had happened was noticed",
        parts: &[part("faults", "watches_that_fall_silent", 6)],
    },
    Row {
        name: "R12",
        what: "replies and events are cut in half, beside an object of 1.3 MB",
        figure: 100,
        measured: "",
        parts: &[part("faults", "replies_cut_in_half", 40)],
    },
    Row {
        name: "R13",
        what: "what the operator watches is 30 s old; the target drifts, the stale plan is not written",
        figure: 20,
        measured: "",
        parts: &[part("faults", "watches_that_lag", 8)],
    },
    Row {
        name: "R15",
        what: "approvals race the end of the time they count for; no write is decided on after it",
        figure: 500,
        measured: "",
        parts: &[part("races", "approvals_that_come_at_the_last_moment", 200)],
    },
    Row {
        name: "R17",
        what: "approval and rejection at once; a rejection that came first always holds, one write at most",
        figure: 500,
        measured: "",
        parts: &[part("races", "approval_and_rejection_at_once", 200)],
    },
    Row {
        name: "R19",
        what: "somebody else's webhook is down, before anything is planned or just before the write; 3 attempts at a write at most, and the Change says so",
        figure: 20,
        measured: "",
        parts: &[part("hindrances", "a_webhook_that_does_not_answer", 20)],
    },
    Row {
        name: "R20",
        what: "the switch is thrown in each of 8 steps of a Change; no write begins after it, what is live is revoked",
        figure: 10,
        measured: "until no authority was left, the longest of the steps",
        parts: &[part("guards", "switch::the_switch_holds_in_every_step", 3)],
    },
    Row {
        name: "R21",
        what: "1,000 faults of two causes in 200 workloads within 60 s; an Incident for each and one for each cause, nothing changed before it calms, then no more than the caps allow",
        figure: 3,
        measured: "until each fault had an Incident",
        parts: &[part("guards", "storm::a_storm_is_told_once_and_nothing_is_changed_before_it_calms", 1)],
    },
    Row {
        name: "R22",
        what: "a fault comes and goes every 20 s, whatever is done; it is changed once at most and left to people",
        figure: 3,
        measured: "",
        parts: &[part("guards", "flapping::what_comes_and_goes_is_changed_once_at_most_and_then_left_to_people", 1)],
    },
    Row {
        name: "R24",
        what: "recovery is faked in 8 ways after the write; the verification says failed",
        figure: 10,
        measured: "",
        parts: &[part("guards", "cheats::faked_recovery_is_none", 5)],
    },
    Row {
        name: "R30",
        what: "etcd is full when an approved Change comes to its first record; it waits, and the operator says why it is not ready",
        figure: 10,
        measured: "",
        parts: &[part("faults", "an_etcd_without_room", 5)],
    },
    Row {
        name: "R35",
        what: "each of 14 rights that a Change needs is taken away while the operator runs; the Change names it, and ends when it is back",
        figure: 28,
        measured: "",
        parts: &[part("hindrances", "a_right_that_is_taken_away", 28)],
    },
    Row {
        name: "R41",
        what: "a simulated operator and API server with everything going wrong, from a seed; the history is checked (R40)",
        figure: 100_000,
        measured: "for all seeds of one go",
        parts: &[part(SIMULATION, "many_seeds", 100_000)],
    },
    Row {
        name: "R46",
        what: "the record of a Change that has ended is put back to what it was earlier, as by a backup; what was written is not written again",
        figure: 20,
        measured: "",
        parts: &[part("hindrances", "a_record_from_an_old_backup", 20)],
    },
    Row {
        name: "R47",
        what: "for how long a one-shot account has authority",
        figure: 100,
        measured: "from recorded to seen revoked, the longest of each Change",
        parts: &[part("faults", "authority_is_short_lived", 60)],
    },
];
