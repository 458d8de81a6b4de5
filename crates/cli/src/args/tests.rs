//! Tests of the arguments and of the help. No IO.

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

/// The words of one example line, quotes respected.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = None;
    for c in line.chars() {
        match (quoted, c) {
            (None, '\'' | '"') => quoted = Some(c),
            (Some(q), c) if q == c => quoted = None,
            (None, ' ') => words.push(String::new()),
            (_, c) => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

fn examples(command: &clap::Command, found: &mut Vec<String>) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = text.lines().filter(|l| l.starts_with("  bailiwick ")).map(|l| l.trim().to_owned());
    found.extend(lines);
    command.get_subcommands().for_each(|sub| examples(sub, found));
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_example_in_the_help_parses() {
    let mut found = Vec::new();
    examples(&Cli::command(), &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for example in found {
        let one = example.split(" | ").next().unwrap_or(&example).split(" > ").next().unwrap_or(&example);
        let parsed = Cli::try_parse_from(words(one));
        assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
    }
}

#[test]
fn every_command_has_examples_and_no_line_too_wide() {
    fn look(command: &clap::Command) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(text.contains("Examples:\n  bailiwick "), "{}: {text}", command.get_name());
        // Wider lines are broken anywhere.
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{}: {text}", command.get_name());
        command.get_subcommands().for_each(look);
    }
    look(&Cli::command());
}

#[test]
fn kubectls_flags_work_before_and_after_the_command() {
    let cli = parse("bailiwick -n shop changes -l a=b -w -o wide --no-headers --context dev --as ann --as-group sre")
        .unwrap();
    assert_eq!(cli.global.namespace.as_deref(), Some("shop"));
    assert_eq!(cli.global.output, Format::Wide);
    assert!(cli.global.no_headers);
    assert_eq!(cli.global.as_group, ["sre"]);
    let cli = parse("bailiwick changes -A --request-timeout=5s --color=never").unwrap();
    assert!(cli.global.all_namespaces);
    assert_eq!(cli.global.request_timeout, Some(Duration::from_secs(5)));
}

#[test]
fn typos_are_answered_with_what_was_meant() {
    let message = |line: &str| parse(line).unwrap_err().render().to_string();
    assert!(message("bailiwick aprove x").contains("'approve'"));
    assert!(message("bailiwick propose SetImgae deploy/web").contains("did you mean SetImage?"));
    assert!(message("bailiwick propose SetImage deploymnt/web").contains("did you mean"));
    assert!(message("bailiwick changes --phase Awaiting").contains("AwaitingApproval"));
    assert!(message("bailiwick changes --request-timeout=fast").contains("30s"));
    assert_eq!(parse("bailiwick nonsense").unwrap_err().exit_code(), 2);
    assert_eq!(parse("bailiwick --help").unwrap_err().exit_code(), 0);
}

#[test]
fn dry_run_is_written_as_kubectl_writes_it() {
    for line in
        ["bailiwick undo x --dry-run=server", "bailiwick undo x --dry-run", "bailiwick approve x --dry-run=none"]
    {
        assert!(parse(line).is_ok(), "{line}");
    }
    assert!(parse("bailiwick undo x --dry-run=client").is_err());
}

#[test]
fn help_is_as_recorded() {
    let mut plain = command(Called::Plain);
    insta::assert_snapshot!("help", plain.render_long_help().to_string());
    for name in ["approve", "diagnose", "install", "propose", "mandate"] {
        let mut all = command(Called::Plain);
        all.build();
        let sub = all.find_subcommand_mut(name).unwrap();
        insta::assert_snapshot!(format!("help_{name}"), sub.render_help().to_string());
    }
}

#[test]
fn under_kubectl_the_help_speaks_of_kubectl() {
    let mut plugin = command(Called::Plugin);
    plugin.build();
    let help = plugin.render_help().to_string();
    assert!(help.contains("Usage: kubectl bailiwick") && help.contains("  kubectl bailiwick approve"), "{help}");
    assert!(!help.contains("\n  bailiwick "), "{help}");
}
