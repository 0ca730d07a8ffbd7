//! List operations over all their pages, as the AWS CLI does it.

use super::call::{Api, CallError};
use super::flags::{MAX_ITEMS, NO_PAGINATE, PAGE_SIZE, STARTING_TOKEN};
use crate::failure::Failure;
use clap::ArgMatches;
use firesteel_wire::model::{Kind, model};
use firesteel_wire::{Input, Operation};
use serde_json::Value;

const TOKEN: &str = "nextToken";
const SIZE: &str = "maxResults";

/// How the pages of an operation are to be walked.
pub struct Paging {
    operation: Operation,
    list: String,
    largest: u64,
    limit: Option<u64>,
    size: Option<u64>,
}

/// Whether the operation answers in pages.
pub fn is_paged(operation: Operation) -> bool {
    list_member(operation).is_some()
}

/// The output's member that is the list, of an operation whose input and output both have a token.
fn list_member(operation: Operation) -> Option<String> {
    let described = model().operation(operation)?;
    let Kind::Structure(output) = &model().shape(described.output).kind else { return None };
    let tokens = described.members(model()).iter().any(|m| m.name == TOKEN) && output.member(TOKEN).is_some();
    let list = output.members.iter().find(|m| matches!(model().shape(m.shape).kind, Kind::List(_)))?;
    tokens.then(|| list.name.clone())
}

/// The largest page that the operation gives.
fn largest(operation: Operation) -> u64 {
    let members = model().operation(operation).map_or(&[][..], |o| o.members(model()));
    let size = members.iter().find(|m| m.name == SIZE).and_then(|m| model().shape(m.shape).max);
    size.and_then(|max| u64::try_from(max).ok()).unwrap_or(50)
}

impl Paging {
    /// Reads the flags. `None`: one request only, since the operation has no pages, or the caller does the paging.
    pub fn of(operation: Operation, matches: &ArgMatches, input: &Input) -> Result<Option<Self>, Failure> {
        let Some(list) = list_member(operation) else { return Ok(None) };
        let number = |name: &str| matches.get_one::<u64>(name).copied();
        let paging = Self {
            operation,
            list,
            largest: largest(operation),
            limit: number(MAX_ITEMS),
            size: number(PAGE_SIZE),
        };
        let token = matches.get_one::<String>(STARTING_TOKEN);
        let by_hand = input.contains_key(TOKEN) || input.contains_key(SIZE);
        if by_hand && (paging.limit.is_some() || paging.size.is_some() || token.is_some()) {
            let text =
                "--max-items, --page-size and --starting-token do not go with --next-token and --max-results";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok((!by_hand && !matches.get_flag(NO_PAGINATE)).then_some(paging))
    }

    /// The output's member that is the list.
    pub fn list(&self) -> &str {
        &self.list
    }

    /// The elements of all pages, and where to go on if the limit cut them short.
    pub async fn all(
        &self,
        api: &Api,
        mut input: Input,
    ) -> Result<(Vec<Vec<Value>>, Option<String>), CallError> {
        let (mut pages, mut have) = (Vec::new(), 0_u64);
        loop {
            if let Some(size) = self.page(have) {
                input.insert(SIZE.to_owned(), size.into());
            }
            let mut page = api.call(self.operation, &input).await?;
            if let Value::Array(elements) = page[&self.list].take() {
                have += elements.len() as u64;
                pages.push(elements);
            }
            let token = page[TOKEN].as_str().map(str::to_owned);
            let full = self.limit.is_some_and(|limit| have >= limit);
            match token {
                Some(token) if !full => input.insert(TOKEN.to_owned(), token.into()),
                token => return Ok((pages, token)),
            };
        }
    }

    /// The next page's size, so that pages end exactly at the limit.
    fn page(&self, have: u64) -> Option<u64> {
        let left = self.limit.map(|limit| limit.saturating_sub(have).clamp(1, self.largest));
        match (self.size, left) {
            (Some(size), Some(left)) => Some(size.min(left)),
            (size, left) => size.or(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(words: &[&str]) -> Result<Option<Paging>, Failure> {
        let operation = super::super::operation(words[0]).unwrap();
        let matches = super::super::command(operation).try_get_matches_from(words).unwrap();
        let input = super::super::input::gather(operation, &matches).unwrap();
        Paging::of(operation, &matches, &input)
    }

    #[test]
    fn which_operations_have_pages() {
        let paged: Vec<&str> = Operation::ALL.iter().filter(|o| is_paged(**o)).map(|o| o.name()).collect();
        assert_eq!(paged, ["ListApplications", "ListJobRunAttempts", "ListJobRuns", "ListSessions"]);
    }

    #[test]
    fn who_walks_the_pages() {
        let table = [
            (vec!["list-applications"], true),
            (vec!["list-applications", "--no-paginate"], false),
            (vec!["list-applications", "--max-results", "3"], false),
            (vec!["list-applications", "--next-token", "t"], false),
            (vec!["get-application", "--application-id", "a"], false),
        ];
        for (words, walks) in table {
            assert_eq!(paging(&words).unwrap().is_some(), walks, "{words:?}");
        }
        let both = paging(&["list-applications", "--max-results", "3", "--max-items", "2"]);
        assert_eq!(both.map(|_| ()).unwrap_err().code(), 2);
    }

    #[test]
    fn pages_end_at_the_limit() {
        let sizes = |words: &[&str], have: u64| paging(words).unwrap().unwrap().page(have);
        assert_eq!(sizes(&["list-applications"], 0), None);
        assert_eq!(sizes(&["list-applications", "--max-items", "120"], 0), Some(50));
        assert_eq!(sizes(&["list-applications", "--max-items", "120"], 100), Some(20));
        assert_eq!(sizes(&["list-applications", "--max-items", "120", "--page-size", "7"], 100), Some(7));
        assert_eq!(sizes(&["list-applications", "--max-items", "5", "--page-size", "7"], 0), Some(5));
    }
}
