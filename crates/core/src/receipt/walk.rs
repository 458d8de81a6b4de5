//! The walk over an export: what is known at each line, and what is wrong there.
//!
//! Owns the state between lines. Must never stop at the first fault where the lines after it can
//! still be judged, and never trust a line that is not signed with the key in force. No IO.

use super::body::Predicate;
use super::checkpoint::{self, Checkpoint, Purpose};
use super::digest::Digest;
use super::fault::{Fault, What};
use super::key::PublicKey;
use super::keyring::Keyring;
use super::merkle::{self, Frontier};
use super::open::{Opened, PayloadType, open};
use super::order::{Order, Place};
use super::pin::Pin;
use super::statement;
use super::verify::Report;
use jiff::Timestamp;

/// After so many faults the rest is not read.
const MAX_FAULTS: usize = 100;

/// What is known of the log at one line.
pub(super) struct Walk<'k> {
    keys: Keyring<'k>,
    pin: Option<Pin>,
    /// The line at hand, from 1.
    number: u64,
    order: Order,
    /// Hash of the receipt before, where it is known.
    previous: Option<Digest>,
    at: Option<Timestamp>,
    frontier: Frontier,
    retired: u64,
    /// The checkpoint that would end the file, and its line.
    end: Option<(u64, Checkpoint)>,
    /// True where the last line could not be judged.
    tail_damaged: bool,
    faults: Vec<Fault>,
}

impl<'k> Walk<'k> {
    pub(super) fn new(anchors: &'k [PublicKey], pin: Option<Pin>) -> Self {
        Self {
            keys: Keyring::new(anchors),
            pin: pin.filter(|pin| !pin.met_by(0, &Digest::ZERO)),
            number: 0,
            order: Order::default(),
            previous: Some(Digest::ZERO),
            at: None,
            frontier: Frontier::default(),
            retired: 0,
            end: None,
            tail_damaged: false,
            faults: Vec::new(),
        }
    }

    /// Goes to the next line.
    pub(super) fn next_line(&mut self) {
        self.number += 1;
    }

    /// True where so many faults were found that reading on says nothing more.
    pub(super) fn is_flooded(&self) -> bool {
        self.faults.len() >= MAX_FAULTS
    }

    /// Takes note of a fault at the line at hand.
    pub(super) fn fault(&mut self, sequence: Option<u64>, what: What) {
        self.faults.push(Fault { line: self.number, sequence, what });
    }

    /// Every fault, in the order of lines.
    pub(super) fn faults(mut self) -> Vec<Fault> {
        self.faults.extend(self.order.gaps());
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }

    /// Judges a whole line.
    pub(super) fn line(&mut self, line: &[u8]) {
        let mut signer = None;
        let opened = open(line, |id| Ok(&*signer.insert(self.keys.find(id)?)));
        let done = opened.and_then(|opened| self.signed(opened, signer));
        match done {
            Ok(()) => self.tail_damaged = false,
            Err(what) => self.damaged(what),
        }
    }

    /// A line that may have been a receipt, or the checkpoint, or neither.
    pub(super) fn damaged(&mut self, what: What) {
        let sequence = if self.end.is_none() { Some(self.order.damaged()) } else { None };
        self.fault(sequence, what);
        self.tail_damaged = true;
    }

    /// A line whose signature is right.
    fn signed(&mut self, opened: Opened, signer: Option<PublicKey>) -> Result<(), What> {
        match opened.payload_type {
            PayloadType::Statement => {
                let predicate = statement::decode(&opened.payload).map_err(What::BadStatement)?;
                self.keys.trust(signer, predicate.sequence);
                self.receipt(&predicate, Digest::of(&opened.payload));
            }
            PayloadType::Checkpoint => {
                let checkpoint = checkpoint::decode(&opened.payload).map_err(What::BadStatement)?;
                self.keys.trust(signer, checkpoint.size);
                self.checkpoint(checkpoint);
            }
        }
        Ok(())
    }

    fn receipt(&mut self, predicate: &Predicate, hash: Digest) {
        let sequence = predicate.sequence;
        if let Some((line, checkpoint)) = self.end.take() {
            self.not_the_end(line, checkpoint.size, sequence);
        }
        match self.order.place(self.number, sequence) {
            Place::Next => self.link(predicate),
            Place::Ahead => {}
            Place::Late => return,
            Place::Again => return self.fault(Some(sequence), What::Duplicated {}),
        }
        if self.at.is_some_and(|at| predicate.at < at) {
            self.fault(Some(sequence), What::BackDated {});
        }
        self.at = Some(predicate.at);
        self.previous = Some(hash);
        self.frontier.push(merkle::leaf(hash.as_bytes()));
        self.pin = self.pin.filter(|pin| !pin.met_by(sequence + 1, &hash));
        if let Some(successor) = &predicate.rotation {
            let done = self.keys.rotate(successor, sequence + 1);
            done.unwrap_or_else(|what| self.fault(Some(sequence), what));
        }
    }

    /// The receipt must name the one before it, where that one is known.
    fn link(&mut self, predicate: &Predicate) {
        if let Some(actual) = self.previous.filter(|actual| *actual != predicate.previous) {
            self.fault(Some(predicate.sequence), What::BrokenChain { named: predicate.previous, actual });
        }
    }

    /// A receipt follows a checkpoint: one of the two does not belong there.
    fn not_the_end(&mut self, line: u64, size: u64, next: u64) {
        if size == self.order.expected() {
            self.fault(Some(next), What::AfterCheckpoint {});
        } else {
            self.faults.push(Fault { line, sequence: None, what: What::MisplacedCheckpoint {} });
        }
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) {
        if checkpoint.purpose == Purpose::Retention {
            return self.base(checkpoint);
        }
        if self.end.is_some() {
            return self.fault(None, What::AfterCheckpoint {});
        }
        self.end = Some((self.number, checkpoint));
    }

    /// A retention checkpoint stands for what was removed before the first line.
    fn base(&mut self, checkpoint: Checkpoint) {
        let fits = self.keys.in_force() == Some(checkpoint.key);
        if self.number != 1 || !fits {
            return self.fault(None, What::MisplacedCheckpoint {});
        }
        self.frontier = checkpoint.frontier().unwrap_or_default();
        self.order = Order::starting_at(checkpoint.size);
        self.retired = checkpoint.size;
        self.previous = Some(checkpoint.head_hash);
        self.at = Some(checkpoint.at);
        self.pin = self.pin.filter(|pin| !pin.met_by(checkpoint.size, &checkpoint.head_hash));
    }

    /// Judges the end of the file.
    pub(super) fn finish(mut self) -> Result<Report, Vec<Fault>> {
        if self.number == 1 {
            self.fault(None, What::Empty {});
            return Err(self.faults());
        }
        let Some((line, checkpoint)) = self.end.take() else {
            if !self.tail_damaged {
                self.fault(None, What::NoCheckpoint {});
            }
            return Err(self.faults());
        };
        self.number = line;
        self.compare(&checkpoint);
        if let Some(pin) = self.pin {
            self.fault(None, What::PinNotFound(pin.to_string()));
        }
        if !self.faults.is_empty() || !self.order.is_sound() {
            return Err(self.faults());
        }
        Ok(Report {
            receipts: checkpoint.size - self.retired,
            retired: self.retired,
            head: checkpoint.head_hash,
            root: checkpoint.root,
            at: checkpoint.at,
            keys: self.keys.into_uses(),
        })
    }

    /// The checkpoint at the end must state exactly what was read.
    fn compare(&mut self, stated: &Checkpoint) {
        let (expected, slack) = (self.order.expected(), self.order.slack());
        if stated.size > expected + slack {
            return self.fault(Some(expected + slack), What::Missing { from: expected + slack, to: stated.size - 1 });
        }
        if stated.size < expected {
            return self.fault(None, What::CheckpointDiffers("size"));
        }
        if !self.faults.is_empty() || !self.order.is_sound() {
            return;
        }
        let differs = if self.previous != Some(stated.head_hash) {
            "head"
        } else if self.frontier.root() != stated.root {
            "root"
        } else if self.keys.in_force() != Some(stated.key) {
            "key"
        } else if self.at.is_some_and(|at| stated.at < at) {
            "time"
        } else {
            return;
        };
        self.fault(None, What::CheckpointDiffers(differs));
    }
}
