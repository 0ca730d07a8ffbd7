//! Names of things as AWS writes them: `arn:<partition>:emr-serverless:<region>:<account>:/applications/<id>[/jobruns/<id>]` (mind the
//! slash after the last colon), and IAM roles.

use std::fmt;

use crate::{ApiError, texts};

/// The name of an application, or of something in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// The application's id.
    pub application_id: String,
    /// What of the application is meant.
    pub part: Part,
}

/// What of an application an [`Arn`] names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The application itself.
    Whole,
    /// The job run with this id.
    JobRun(String),
    /// The session with this id.
    Session(String),
}

impl Arn {
    /// Reads an ARN; `None` if it is not one of this service.
    pub fn parse(text: &str) -> Option<Self> {
        let [partition, service, region, account, resource] = fields(text)?;
        let mut pieces = resource.strip_prefix("/applications/")?.split('/');
        let application_id = pieces.next().filter(|id| is_id(id))?.to_owned();
        let part = match (pieces.next(), pieces.next(), pieces.next()) {
            (None, ..) => Part::Whole,
            (Some("jobruns"), Some(id), None) if is_id(id) => Part::JobRun(id.to_owned()),
            (Some("sessions"), Some(id), None) if is_id(id) => Part::Session(id.to_owned()),
            _ => return None,
        };
        if service != "emr-serverless" || region.is_empty() || !is_account(account) {
            return None;
        }
        let (partition, region, account) = (partition.to_owned(), region.to_owned(), account.to_owned());
        Some(Self { partition, region, account, application_id, part })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, application_id, part } = self;
        write!(f, "arn:{partition}:emr-serverless:{region}:{account}:/applications/{application_id}")?;
        match part {
            Part::Whole => Ok(()),
            Part::JobRun(id) => write!(f, "/jobruns/{id}"),
            Part::Session(id) => write!(f, "/sessions/{id}"),
        }
    }
}

/// An IAM role: `arn:<partition>:iam::<account>:role/[<path>/]<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// The account, twelve digits.
    pub account: &'a str,
    /// The last piece of the name.
    pub name: &'a str,
}

impl<'a> Role<'a> {
    /// Reads a role's ARN; `None` if it is not one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let [partition, service, region, account, resource] = fields(text)?;
        let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
        let right = service == "iam" && region.is_empty() && is_account(account) && !name.is_empty();
        right.then_some(Self { partition, account, name })
    }
}

/// The rule of StartJobRun: a run's role is of the application's own partition and account.
///
/// Errors: ValidationException if it is not the ARN of a role or is of another partition, AccessDeniedException if of another account.
pub fn check_role(role: &str, partition: &str, account: &str) -> Result<(), ApiError> {
    match Role::parse(role) {
        Some(role) if role.partition != partition => {
            Err(ApiError::validation(texts::role_of_other_partition(partition)))
        }
        Some(role) if role.account != account => {
            Err(ApiError::new(crate::ErrorKind::AccessDenied, texts::CROSS_ACCOUNT_ROLE))
        }
        Some(_) => Ok(()),
        None => Err(ApiError::validation(texts::not_a_role(role))),
    }
}

/// Partition, service, region, account and the rest of an ARN.
fn fields(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let found = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let of_aws = found[0]
        .strip_prefix("aws")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    of_aws.then_some(found)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An id in an ARN; the model allows capitals here, though ids have none.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_arn_of_ours_is_refused() {
        for bad in [
            "",
            "arn:aws:emr-serverless:us-east-1:123456789012:applications/a1",
            "arn:aws:emr-serverless:us-east-1:12345678901:/applications/a1",
            "arn:aws:emr-serverless::123456789012:/applications/a1",
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/",
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a1/",
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a1/jobruns",
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a1/jobruns/r/x",
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a1/tables/r",
            "arn:aws:s3:us-east-1:123456789012:/applications/a1",
            "arn:gcp:emr-serverless:us-east-1:123456789012:/applications/a1",
        ] {
            assert_eq!(Arn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_role_must_be_of_the_own_account() {
        let table = [
            ("arn:aws:iam::123456789012:role/hail", None),
            ("arn:aws:iam::123456789012:role/service-role/a/hail", None),
            (
                "arn:aws:iam::210987654321:role/hail",
                Some(("AccessDeniedException", "Cross-account pass role is not allowed.")),
            ),
            (
                "arn:aws-cn:iam::123456789012:role/hail",
                Some(("ValidationException", "The execution role must be of the partition 'aws'.")),
            ),
            (
                "arn:aws:iam::123456789012:user/bob",
                Some((
                    "ValidationException",
                    "'arn:aws:iam::123456789012:user/bob' is not the ARN of an IAM role.",
                )),
            ),
            (
                "arn:aws:iam::123456789012:role/",
                Some((
                    "ValidationException",
                    "'arn:aws:iam::123456789012:role/' is not the ARN of an IAM role.",
                )),
            ),
        ];
        for (role, expected) in table {
            let error = check_role(role, "aws", "123456789012").err();
            assert_eq!(error.as_ref().map(|e| (e.type_name(), e.message.as_str())), expected, "{role}");
        }
    }

    proptest! {
        #[test]
        fn arns_come_back_and_pass_the_models_pattern(
            partition in "aws(-[a-z]{2})?", region in "[a-z]{2}-[a-z]{4}-[1-9]", account in "[0-9]{12}",
            application_id in "[0-9a-z]{1,64}", id in "[0-9a-z]{1,64}", which in 0..3,
        ) {
            let part = match which { 0 => Part::Whole, 1 => Part::JobRun(id), _ => Part::Session(id) };
            let arn = Arn { partition, region, account, application_id, part };
            let text = arn.to_string();
            let pattern = model().shape_named("ResourceArn").and_then(|s| s.pattern.as_ref()).expect("a pattern");
            prop_assert!(pattern.matches(&text), "{}", text);
            prop_assert_eq!(Arn::parse(&text), Some(arn));
        }
    }
}
