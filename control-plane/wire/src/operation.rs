//! The names of the 22 operations. What each binds and demands stands in the service model, not here.

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// An operation of the EMR Serverless API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "` of the service model.")] $name,)*
        }

        impl Operation {
            /// Every operation, in the model's order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in the service model, e.g. `StartJobRun`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

operations!(
    CancelJobRun,
    CreateApplication,
    DeleteApplication,
    GetApplication,
    GetDashboardForJobRun,
    GetJobRun,
    GetResourceDashboard,
    GetSession,
    GetSessionEndpoint,
    ListApplications,
    ListJobRunAttempts,
    ListJobRuns,
    ListSessions,
    ListTagsForResource,
    StartApplication,
    StartJobRun,
    StartSession,
    StopApplication,
    TagResource,
    TerminateSession,
    UntagResource,
    UpdateApplication,
);

impl Operation {
    /// The operation of this name, as the service model spells it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// The name as a command of the AWS CLI, e.g. `start-job-run`.
    pub fn command(self) -> String {
        crate::client::kebab(self.name())
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
