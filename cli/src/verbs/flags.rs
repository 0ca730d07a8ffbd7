//! A verb's flags as clap sees them, made from the service model. It must not know what becomes of the values.

use super::print::{Form, Printing};
use super::query::Query;
use crate::arguments::Target;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum, value_parser};
use firesteel_wire::Operation;
use firesteel_wire::client::{self, Flag, FlagKind};
use firesteel_wire::model::model;
use std::io::IsTerminal;

/// JSON with members of the input; flags come before it.
pub const INPUT_JSON: &str = "cli-input-json";
/// No more than so many elements over all pages.
pub const MAX_ITEMS: &str = "max-items";
/// How many elements a page has.
pub const PAGE_SIZE: &str = "page-size";
/// Where to go on.
pub const STARTING_TOKEN: &str = "starting-token";
/// One page only.
pub const NO_PAGINATE: &str = "no-paginate";

/// Which part of the answer is printed.
pub const QUERY: &str = "query";
/// In which form the answer is printed.
pub const OUTPUT: &str = "output";

const API_FLAGS: &str = "API";
/// Where the AWS CLI looks for the form when no flag names one.
const OUTPUT_VARIABLE: &str = "AWS_DEFAULT_OUTPUT";
/// How wide a table may be where no terminal says it.
const WIDTH: usize = 80;

/// The clap command of an operation.
pub fn command(operation: Operation) -> Command {
    let flags = client::flags(operation);
    let json = Arg::new(INPUT_JSON)
        .long(INPUT_JSON)
        .value_name("JSON")
        .help("The input as JSON, or file://PATH; flags come before it");
    let mut command = Command::new(operation.command()).arg(json);
    for flag in &flags {
        command = command.args(arguments(flag));
    }
    if super::paging::is_paged(operation) {
        command = command.args(paging());
    }
    command = command.args(output());
    // The text comes last: the flags of the target bring one of their own.
    let about = model().operation(operation).map_or(String::new(), |o| plain(&o.documentation));
    Target::augment_args(command.next_help_heading("Service")).about(first_sentence(&about)).long_about(about)
}

/// What the verb does, in a line; cheap.
pub fn summary(operation: Operation) -> String {
    format!("{operation} of the EMR Serverless API")
}

/// Which service a verb is to speak to.
pub fn target(matches: &ArgMatches) -> Target {
    Target::from_arg_matches(matches).unwrap_or_default()
}

/// What is to be printed of the answer.
pub fn printing(matches: &ArgMatches) -> Result<Printing, String> {
    let query = matches.get_one::<String>(QUERY).map(|text| Query::parse(text)).transpose()?;
    let form = match matches.get_one::<Form>(OUTPUT) {
        Some(form) => *form,
        None => match std::env::var(OUTPUT_VARIABLE).ok().filter(|name| !name.is_empty()) {
            Some(name) => Form::from_str(&name, true)
                .map_err(|_| format!("{OUTPUT_VARIABLE} is \"{name}\": json, table and text are known"))?,
            None => Form::default(),
        },
    };
    Ok(Printing { form, query, width: width() })
}

/// The terminal's width, where there is one.
fn width() -> usize {
    let known = std::io::stdout().is_terminal().then(|| std::env::var("COLUMNS").ok()?.parse().ok());
    known.flatten().unwrap_or(WIDTH)
}

fn output() -> [Arg; 2] {
    let query = Arg::new(QUERY).long(QUERY).value_name("JMESPATH").help("Which part of the answer to print");
    let form = Arg::new(OUTPUT)
        .long(OUTPUT)
        .value_name("FORM")
        .value_parser(value_parser!(Form))
        .help("In which form to print it [default: $AWS_DEFAULT_OUTPUT, else json]");
    [query, form].map(|arg| arg.help_heading("Output"))
}

fn arguments(flag: &Flag) -> Vec<Arg> {
    let name = flag.flag.trim_start_matches('-').to_owned();
    let documentation = plain(&flag.documentation);
    let arg = Arg::new(flag.member.clone())
        .long(name.clone())
        .help_heading(API_FLAGS)
        .help(first_sentence(&documentation))
        .long_help(documentation);
    let arg = if flag.required { arg.required_unless_present(INPUT_JSON) } else { arg };
    match flag.kind {
        FlagKind::Boolean => {
            let no = format!("no-{name}");
            let negative = Arg::new(no.clone())
                .long(no)
                .help_heading(API_FLAGS)
                .help(format!("The opposite of --{name}"))
                .action(ArgAction::SetTrue)
                .overrides_with(flag.member.clone());
            vec![arg.action(ArgAction::SetTrue), negative]
        }
        FlagKind::List | FlagKind::StringList => vec![arg.num_args(1..).value_name(value_name(flag.kind))],
        kind => vec![arg.allow_negative_numbers(true).value_name(value_name(kind))],
    }
}

fn value_name(kind: FlagKind) -> &'static str {
    match kind {
        FlagKind::Integer | FlagKind::Double => "N",
        FlagKind::Timestamp => "TIME",
        FlagKind::Structure | FlagKind::Map => "JSON|K=V",
        FlagKind::List => "JSON|K=V…",
        FlagKind::StringList => "TEXT…",
        FlagKind::String | FlagKind::Boolean => "TEXT",
    }
}

fn paging() -> [Arg; 4] {
    let number = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("N").value_parser(value_parser!(u64).range(1..)).help(help)
    };
    let token = Arg::new(STARTING_TOKEN)
        .long(STARTING_TOKEN)
        .value_name("TOKEN")
        .help("Go on where --max-items stopped");
    let one = Arg::new(NO_PAGINATE).long(NO_PAGINATE).action(ArgAction::SetTrue).help("Only the first page");
    [
        number(MAX_ITEMS, "No more than so many elements; NextToken says where to go on"),
        number(PAGE_SIZE, "Elements per request"),
        token,
        one,
    ]
    .map(|arg| arg.help_heading("Paging"))
}

/// The model's HTML as plain text.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(" ");
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(joined, |t, (from, to)| t.replace(from, to))
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_sound_command() {
        for operation in Operation::ALL {
            command(*operation).debug_assert();
        }
    }

    #[test]
    fn a_verb_is_described_in_the_models_words() {
        let help = command(Operation::CancelJobRun).render_long_help().to_string();
        assert!(help.starts_with("Cancels a job run."), "{help}");
        assert!(help.contains("--application-id <TEXT>") && help.contains("--endpoint-url <URL>"), "{help}");
    }

    #[test]
    fn aws_lines_are_understood() {
        let lines = [
            "start-job-run --application-id a --execution-role-arn r --job-driver {} --name n --tags a=b",
            "create-application --release-label emr-7.13.0 --type SPARK --name n --initial-capacity {}",
            "list-job-runs --application-id a --states RUNNING QUEUED --max-results 5",
            "list-applications --max-items 3 --page-size 2 --starting-token t",
            "start-job-run --cli-input-json {}",
            "untag-resource --resource-arn a --tag-keys a b c",
            "get-application --application-id a --endpoint-url http://x --region r",
            "get-application --application-id a --query application.state --output text",
            "list-applications --output table --query applications[].id",
            "get-resource-dashboard --application-id a --resource-id r --resource-type SESSION --no-access-system-profile-logs",
        ];
        for line in lines {
            let verb = line.split(' ').next().unwrap();
            let parsed =
                command(super::super::operation(verb).unwrap()).try_get_matches_from(line.split(' '));
            parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn missing_and_unknown_flags_are_usage_errors() {
        let lines = [
            "get-application",
            "get-application --application a",
            "list-applications --max-items 0",
            "list-applications --output yaml",
        ];
        for line in lines {
            let verb = line.split(' ').next().unwrap();
            let parsed =
                command(super::super::operation(verb).unwrap()).try_get_matches_from(line.split(' '));
            assert_eq!(parsed.unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn documentation_becomes_text() {
        assert_eq!(plain("<p>The <code>a</code>\n  &amp; b.</p> <p>More.</p>"), "The a & b. More.");
        assert_eq!(first_sentence("The a & b. More."), "The a & b");
    }
}
