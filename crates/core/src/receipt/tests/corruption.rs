//! Ten thousand random corruptions, each found at its place.
//!
//! Owns the list of what an attacker or a bad disk may do to a file. No IO.

use super::fixture::{Log, Rng, file, signer, verify};
use crate::receipt::*;

const SEED: u64 = 0xba11_1d1c;
const RECEIPTS: usize = 10;

/// A corrupted file and the line at which the first fault must be named.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    line: usize,
    pin: Option<Pin>,
}

impl Case {
    fn new(name: &'static str, bytes: Vec<u8>, line: usize) -> Option<Self> {
        Some(Case { name, bytes, line, pin: None })
    }
}

/// The line, from 1, that the byte at `offset` belongs to.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    bytes[..offset].iter().filter(|b| **b == b'\n').count() + 1
}

fn on_bytes(rng: &mut Rng, sound: &[u8]) -> Option<Case> {
    let mut bytes = sound.to_vec();
    let at = rng.below(bytes.len());
    let line = line_of(sound, at);
    match rng.below(5) {
        0 | 1 => {
            bytes[at] ^= 1 << rng.below(8);
            Case::new("flip", bytes, line)
        }
        2 => {
            bytes.remove(at);
            Case::new("lose a byte", bytes, line)
        }
        3 => {
            let byte = [b'\n', b' ', b'"', b'A', 0][rng.below(5)];
            bytes.insert(at, byte);
            // A line end before a line end leaves the line whole and an empty one after it.
            let empty = byte == b'\n' && sound[at] == b'\n';
            Case::new("gain a byte", bytes, line + usize::from(empty))
        }
        _ => {
            bytes.truncate(at);
            Case::new("truncate", bytes, line)
        }
    }
}

fn on_lines(rng: &mut Rng, sound: &[Vec<u8>]) -> Option<Case> {
    let mut lines = sound.to_vec();
    let (a, b) = (rng.below(lines.len()), rng.below(lines.len()));
    let (i, j) = (a.min(b), a.max(b));
    match rng.below(5) {
        0 => {
            lines.remove(i);
            Case::new("drop", file(&lines), i + 1)
        }
        1 if i != j => {
            lines.swap(i, j);
            Case::new("swap", file(&lines), i + 1)
        }
        2 => {
            lines.insert(i + 1, lines[i].clone());
            Case::new("repeat", file(&lines), i + 2)
        }
        3 if i != j => {
            lines[a] = sound[b].clone();
            Case::new("overwrite with another", file(&lines), a + 1)
        }
        4 if j > i + 1 => {
            lines.drain(i..j);
            Case::new("drop several", file(&lines), i + 1)
        }
        _ => None,
    }
}

fn on_log(rng: &mut Rng, log: &Log) -> Option<Case> {
    let mut lines = log.lines();
    let at = rng.below(RECEIPTS);
    let before = at.checked_sub(1).map_or(Digest::ZERO, |i| log.entries[i].hash);
    match rng.below(4) {
        0 => {
            lines[RECEIPTS] = log.checkpoints[at].to_line().ok()?;
            Case::new("older checkpoint", file(&lines), RECEIPTS + 1)
        }
        1 => {
            lines.truncate(at);
            lines.push(log.checkpoints[at].to_line().ok()?);
            let pin = Some(Pin::Both(RECEIPTS as u64, log.chain.head()));
            Some(Case { pin, ..Case::new("cut with an older checkpoint", file(&lines), at + 1)? })
        }
        2 => {
            let forged = sign(&signer(9), rng.body(), at as u64, before).ok()?;
            lines[at] = forged.envelope.to_line().ok()?;
            Case::new("foreign key", file(&lines), at + 1)
        }
        _ => {
            let holder = 1 + u8::from(at > 3) + u8::from(at > 6);
            let fork = sign(&signer(holder), rng.body(), at as u64, Digest::of(b"elsewhere")).ok()?;
            lines[at] = fork.envelope.to_line().ok()?;
            Case::new("fork by the right key", file(&lines), at + 1)
        }
    }
}

#[test]
fn ten_thousand_corruptions_are_all_found_at_their_line() {
    println!("seed {SEED:#x}");
    let mut rng = Rng(SEED);
    let log = Log::random(&mut rng, RECEIPTS as u64, &[3, 6]);
    let lines = log.lines();
    let sound = file(&lines);
    verify(&sound, Some(Pin::Size(RECEIPTS as u64))).unwrap();
    let mut done = 0;
    while done < 10_000 {
        let case = match rng.below(4) {
            0 | 1 => on_bytes(&mut rng, &sound),
            2 => on_lines(&mut rng, &lines),
            _ => on_log(&mut rng, &log),
        };
        let Some(case) = case else { continue };
        let faults = verify(&case.bytes, case.pin).expect_err(case.name);
        assert_eq!(faults[0].line, case.line as u64, "case {done}: {}: {}", case.name, faults[0]);
        let exact = ["flip", "lose a byte", "drop", "drop several", "foreign key", "fork by the right key"];
        if exact.contains(&case.name) && case.line <= RECEIPTS {
            assert_eq!(faults[0].sequence, Some(case.line as u64 - 1), "case {done}: {}", faults[0]);
        }
        done += 1;
    }
}

#[test]
fn no_single_byte_of_the_file_is_free() {
    let log = Log::random(&mut Rng(3), 3, &[1]);
    let sound = file(&log.lines());
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        let faults = verify(&bytes, None).expect_err("a flipped byte");
        assert_eq!(faults[0].line, line_of(&sound, at) as u64, "byte {at}: {}", faults[0]);
    }
}
