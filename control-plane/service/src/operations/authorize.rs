//! Whether the caller's policy allows an operation. It is asked before anything is looked up for the answer, so that who
//! may not learn of an application cannot tell whether it is there.

use super::create_application::tags_of;
use super::{Caller, Service, arn, refuse, text};
use crate::applications::Unreachable;
use crate::authorization::{Denial, Question, Verdict, questions};
use crate::home::application;
use firesteel_wire::arn::Role;
use firesteel_wire::{ApiError, ErrorKind, Input, Operation, texts};
use std::collections::BTreeMap;

impl Service {
    pub(super) async fn authorize(
        &self,
        caller: &Caller,
        operation: Operation,
        input: &Input,
    ) -> Result<(), ApiError> {
        let questions = questions(&self.parts.config, operation, input);
        let tags = match caller.policy.looks_at_tags() {
            true => self.tags_in_question(operation, input, &questions).await?,
            false => BTreeMap::new(),
        };
        for (at, question) in questions.iter().enumerate() {
            if at > 0 {
                self.refuse_other_account(text(input, "executionRoleArn"))?;
            }
            let explicit = match caller.policy.verdict(question, &tags) {
                Verdict::Allowed => continue,
                Verdict::NotAllowed => false,
                Verdict::Denied => true,
            };
            let (action, resource) = (question.action.clone(), question.about.resource().to_owned());
            let denial = Denial { caller: caller.arn.clone(), action, resource, explicit };
            return Err(ApiError::new(ErrorKind::AccessDenied, denial.to_string()));
        }
        Ok(())
    }

    /// The tags that conditions speak of: those of the application, or of the one that is to be made.
    async fn tags_in_question(
        &self,
        operation: Operation,
        input: &Input,
        questions: &[Question],
    ) -> Result<BTreeMap<String, String>, ApiError> {
        if operation == Operation::CreateApplication {
            return Ok(tags_of(input));
        }
        let Some(id) = questions.iter().find_map(|question| question.about.application()) else {
            return Ok(BTreeMap::new());
        };
        match self.applications.home(id).await {
            Ok(home) => Ok(application(&*home.fresh().await.map_err(refuse::read)?).tags.clone()),
            Err(Unreachable::Unknown) => Ok(BTreeMap::new()),
            Err(error) => Err(ApiError::internal(error.to_string())),
        }
    }

    /// A role of another account can be passed by nobody.
    fn refuse_other_account(&self, role: &str) -> Result<(), ApiError> {
        let config = &self.parts.config;
        match Role::parse(role) {
            Some(role) if role.partition == arn::partition(config) && role.account != config.account => {
                Err(ApiError::new(ErrorKind::AccessDenied, texts::CROSS_ACCOUNT_ROLE))
            }
            _ => Ok(()),
        }
    }
}
