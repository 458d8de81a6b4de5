//! Tests of which copy counts: what takes a place, what loses it, and what is deleted.

use super::*;
use crate::receipt::{Signer, pem_of_seed};
use serde_json::json;

fn signer(n: u8) -> Signer {
    Signer::from_pkcs8_pem(&pem_of_seed(&[n; 32])).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn copy(name: &str, mode: &str, second: i64) -> Copy {
    let metadata = json!({"name": name, "namespace": "shop"});
    Copy::of(&json!({"kind": "ConfigMap", "metadata": metadata, "data": {"mode": mode}}), at(second)).unwrap()
}

/// A shelf that has read these, each with the number of its key; its own is 1.
fn read(kept: &[(&Copy, u8)]) -> Shelf {
    let mut shelf = Shelf::default();
    for (copy, key) in kept {
        shelf.read(&copy.name(), &copy.seal(&signer(*key)).unwrap(), signer(1).public()).unwrap();
    }
    shelf
}

fn names(shelf: &Shelf) -> Vec<String> {
    shelf.rows().map(|row| row.name.to_string()).collect()
}

#[test]
fn of_several_copies_of_one_object_the_newest_counts_and_the_others_go() {
    let (old, new, other) = (copy("app", "fast", 10), copy("app", "slow", 20), copy("web", "fast", 5));
    for order in [[(&old, 1), (&new, 1), (&other, 1)], [(&new, 1), (&other, 1), (&old, 1)]] {
        let mut shelf = read(&order);
        assert_eq!(shelf.row(&new.target().unwrap()).map(|row| &row.digest), Some(&new.digest()));
        assert_eq!(shelf.rows().count(), 2);
        assert_eq!(shelf.take_surplus(), BTreeSet::from([old.name()]));
        assert!(shelf.take_surplus().is_empty(), "told once");
        shelf.put(&new);
        assert!(shelf.take_surplus().is_empty(), "what counts already is no surplus");
    }
}

/// The API server moves no manager's time where a change only removes.
#[test]
fn what_was_not_written_since_the_good_copy_does_not_take_its_place() {
    let good = copy("app", "fast", 100);
    let shelf = read(&[(&good, 1)]);
    for (what, new, written, place) in [
        ("the same", copy("app", "fast", 200), Some(at(90)), Place::Same),
        ("written since", copy("app", "slow", 200), Some(at(150)), Place::Taken),
        ("written in the second of the copy", copy("app", "slow", 200), Some(at(100)), Place::Taken),
        ("only something removed", copy("app", "slow", 200), Some(at(99)), Place::Unproved),
        ("nobody tells when", copy("app", "slow", 200), None, Place::Unproved),
        ("the first", copy("web", "slow", 200), None, Place::Taken),
    ] {
        assert_eq!(shelf.place(&new, written), place, "{what}");
    }
}

/// After another key was mounted, nothing that it cannot prove is believed, or lost before it is replaced.
#[test]
fn copies_by_another_key_do_not_count_and_go_when_there_is_one_in_their_place() {
    let (old, other, own) = (copy("app", "fast", 10), copy("web", "fast", 10), copy("app", "fast", 20));
    let mut shelf = read(&[(&old, 2), (&other, 2)]);
    assert_eq!((names(&shelf), shelf.by_another_key()), (Vec::new(), 2));
    assert!(shelf.take_surplus().is_empty());
    assert_eq!(shelf.place(&own, Some(at(5))), Place::Taken);
    shelf.put(&own);
    assert_eq!(shelf.take_surplus(), BTreeSet::from([old.name()]));
    assert_eq!(shelf.targets(), BTreeSet::from([own.target().unwrap(), other.target().unwrap()]));
    shelf.forget(&other.target().unwrap());
    shelf.forget(&own.target().unwrap());
    assert_eq!(shelf.take_surplus(), BTreeSet::from([own.name(), other.name()]));
    assert!(shelf.targets().is_empty());
}

#[test]
fn what_is_no_copy_at_all_goes() {
    let good = copy("app", "fast", 10);
    let mut forged = good.seal(&signer(2)).unwrap();
    forged["signatures"][0]["keyid"] = json!(signer(1).public().id());
    let foreign = good.seal(&signer(2)).unwrap();
    let elsewhere = "copy-0000000000000000-0000000000000000";
    for (what, name, kept) in [
        ("nothing", good.name(), Value::Null),
        ("in the name of the key, but not by it", good.name(), forged),
        ("by another key, under a name that is not its own", elsewhere.to_owned(), foreign),
        ("its own, under another name", elsewhere.to_owned(), good.seal(&signer(1)).unwrap()),
    ] {
        let mut shelf = Shelf::default();
        assert!(shelf.read(&name, &kept, signer(1).public()).is_err(), "{what}");
        assert!(shelf.targets().is_empty(), "{what}");
        assert_eq!(shelf.take_surplus(), BTreeSet::from([name]), "{what}");
    }
}

#[test]
fn there_is_room_for_so_many_and_for_those_that_have_a_place() {
    let mut shelf = Shelf::default();
    for n in 0..MOST {
        let one = copy(&format!("app-{n}"), "fast", 10);
        assert!(shelf.has_room(&one.target().unwrap()));
        shelf.put(&one);
    }
    assert!(shelf.has_room(&copy("app-0", "slow", 20).target().unwrap()));
    assert!(!shelf.has_room(&copy("web", "slow", 20).target().unwrap()));
}
