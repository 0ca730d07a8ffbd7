//! Interactive sessions (Spark Connect) as answers show them. Beware: unlike job runs, both the full object and the summary say
//! `sessionId`, and the role is `executionRoleArn`.

use super::{
    Configuration, NetworkConfiguration, ResourceUtilization, Tags, Timestamp, TotalResourceUtilization,
    shapes, spellings,
};

spellings! {
    /// The state of a session.
    SessionState {
        Submitted = "SUBMITTED",
        Starting = "STARTING",
        Started = "STARTED",
        Idle = "IDLE",
        Busy = "BUSY",
        Failed = "FAILED",
        Terminating = "TERMINATING",
        Terminated = "TERMINATED",
    }

    /// What has a dashboard of its own.
    ResourceType { Session = "SESSION" }
}

shapes! {
    /// What a session overrides of its application's defaults.
    #[derive(Debug)]
    SessionConfigurationOverrides {
        optional { runtime_configuration: Vec<Configuration> }
    }

    /// A session in full.
    #[derive(Debug)]
    Session {
        required {
            application_id: String,
            session_id: String,
            arn: String,
            state: SessionState,
            state_details: String,
            release_label: String,
            execution_role_arn: String,
            created_by: String,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        optional {
            name: String,
            started_at: Timestamp,
            ended_at: Timestamp,
            idle_since: Timestamp,
            configuration_overrides: SessionConfigurationOverrides,
            network_configuration: NetworkConfiguration,
            idle_timeout_minutes: i64,
            tags: Tags,
            total_resource_utilization: TotalResourceUtilization,
            billed_resource_utilization: ResourceUtilization,
            total_execution_duration_seconds: i64,
        }
    }

    /// A session in a list.
    #[derive(Debug)]
    SessionSummary {
        required {
            application_id: String,
            session_id: String,
            arn: String,
            state: SessionState,
            state_details: String,
            release_label: String,
            execution_role_arn: String,
            created_by: String,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        optional { name: String }
    }

    /// Input of StartSession.
    #[derive(Debug)]
    StartSessionRequest {
        required { application_id: String, client_token: String, execution_role_arn: String }
        optional {
            configuration_overrides: SessionConfigurationOverrides,
            tags: Tags,
            idle_timeout_minutes: i64,
            name: String,
        }
    }

    /// Output of StartSession.
    #[derive(Debug)]
    StartSessionResponse { required { application_id: String, session_id: String, arn: String } }

    /// Input of GetSession.
    #[derive(Debug)]
    GetSessionRequest { required { application_id: String, session_id: String } }

    /// Output of GetSession.
    #[derive(Debug)]
    GetSessionResponse { required { session: Session } }

    /// Input of ListSessions.
    #[derive(Debug)]
    ListSessionsRequest {
        required { application_id: String }
        optional {
            next_token: String,
            max_results: i64,
            states: Vec<SessionState>,
            created_at_after: Timestamp,
            created_at_before: Timestamp,
        }
    }

    /// Output of ListSessions.
    #[derive(Debug)]
    ListSessionsResponse {
        required { sessions: Vec<SessionSummary> }
        optional { next_token: String }
    }

    /// Input of TerminateSession.
    #[derive(Debug)]
    TerminateSessionRequest { required { application_id: String, session_id: String } }

    /// Output of TerminateSession.
    #[derive(Debug)]
    TerminateSessionResponse { required { application_id: String, session_id: String } }

    /// Input of GetSessionEndpoint.
    #[derive(Debug)]
    GetSessionEndpointRequest { required { application_id: String, session_id: String } }

    /// Output of GetSessionEndpoint. The token is sensitive: `Debug` does not show it.
    GetSessionEndpointResponse {
        required {
            application_id: String,
            session_id: String,
            endpoint: String,
            auth_token: String,
            auth_token_expires_at: Timestamp,
        }
    }

    /// Input of GetResourceDashboard.
    #[derive(Debug)]
    GetResourceDashboardRequest {
        required { application_id: String, resource_id: String, resource_type: ResourceType }
        optional { access_system_profile_logs: bool }
    }

    /// Output of GetResourceDashboard.
    #[derive(Debug)]
    GetResourceDashboardResponse { optional { url: String } }
}

impl std::fmt::Debug for GetSessionEndpointResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GetSessionEndpointResponse")
            .field("session_id", &self.session_id)
            .field("endpoint", &self.endpoint)
            .field("auth_token_expires_at", &self.auth_token_expires_at)
            .finish_non_exhaustive()
    }
}
