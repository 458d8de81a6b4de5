//! The `bailiwick` command: what people use to look, decide and install.
//!
//! Owns the command line. Must never hold authority but that of the user who runs it, and never
//! print untrusted text unescaped. IO through [`out`], [`cluster`] and the commands.

pub mod args;
pub mod cluster;
pub mod commands;
pub mod complete;
pub mod config;
pub mod demo;
pub mod exit;
pub mod fault;
pub mod installed;
pub mod objects;
pub mod out;
pub mod probe;
pub mod render;
pub mod safe;
pub mod secretive;
pub mod sheet;
pub mod style;
pub mod suggest;
pub mod table;
pub mod when;
pub mod words;
mod yaml;
