//! The parts of the command that need no test run.

use super::batch::{Lines, read, share};
use super::document::{merged, table};
use super::rows::{ROWS, SIMULATION};
use super::state::{Ran, State};
use crate::test::suite_names;

#[test]
fn every_row_names_suites_that_exist() {
    let suites = suite_names().unwrap();
    for part in ROWS.iter().flat_map(|row| row.parts).filter(|part| part.suite != SIMULATION) {
        assert!(suites.iter().any(|name| name == part.suite), "there is no suite `{}`", part.suite);
    }
}

#[test]
fn the_parts_share_the_figure() {
    assert_eq!((0..3).map(|part| share(1000, part, 3)).collect::<Vec<_>>(), [334, 333, 333]);
    assert_eq!(share(5, 0, 1), 5);
}

#[test]
fn only_what_held_is_counted() {
    let text = "{\"row\":\"R07\",\"seed\":4,\"seconds\":1.5}\n{\"row\":\"R07\",\"seed\":5}\n";
    assert_eq!(read(text, 4).unwrap(), Lines { next: 6, held: 2, seconds: vec![1.5] });
    assert_eq!(read("", 4).unwrap(), Lines { next: 4, ..Lines::default() });
    let many = read("{\"row\":\"R41\",\"seed\":0,\"runs\":100}\n", 0).unwrap();
    assert_eq!((many.held, many.next), (100, 100));
}

#[test]
fn what_was_not_run_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = State::read(dir.path()).unwrap();
    *state.of_mut("R07") = Ran { next: vec![3], held: 2, failed: vec![(0, 1)], seconds: vec![2.0], ..Ran::default() };
    state.of_mut("R06").next.push(0);
    state.save().unwrap();
    let table = table(&State::read(dir.path()).unwrap());
    let line = |name: &str| table.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap().to_owned();
    assert!(line("R07").contains("| 200 | 2 | 1 | from proposal"), "{}", line("R07"));
    for name in ["R05", "R06"] {
        assert!(line(name).contains("not run"), "{}", line(name));
    }
}

#[test]
fn the_table_goes_where_it_belongs() {
    let text = "before\n<!-- written by `cargo xtask torture` -->\nold\n<!-- end -->\nafter";
    let new = merged(text, "new").unwrap();
    assert_eq!(new, "before\n<!-- written by `cargo xtask torture` -->\n\nnew\n\n<!-- end -->\nafter");
    assert_eq!(merged("nothing", "new"), None);
}
