import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import software.amazon.awssdk.services.emrserverless.EmrServerlessClient;
import software.amazon.awssdk.services.emrserverless.model.*;

/** The AWS SDK for Java 2: create, start a run, wait, page through lists, stop, delete. Usage: ROLE SPARK_PARAMETERS */
public class Story {
    static <T> T until(String what, Supplier<T> ask, Predicate<T> done) throws InterruptedException {
        for (Instant end = Instant.now().plusSeconds(240); Instant.now().isBefore(end); Thread.sleep(300)) {
            T answer = ask.get();
            if (done.test(answer)) return answer;
        }
        throw new AssertionError("never: " + what);
    }

    static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(what);
    }

    public static void main(String[] words) throws Exception {
        String role = words[0], spark = words[1];
        EmrServerlessClient client = EmrServerlessClient.create();
        Instant before = Instant.now();
        String application = client.createApplication(request -> request
                .name("java").releaseLabel("emr-7.13.0").type("SPARK").tags(Map.of("by", "java"))
                .maximumCapacity(most -> most.cpu("4 vCPU").memory("16 GB"))).applicationId();
        Supplier<Application> get = () -> client.getApplication(request -> request.applicationId(application)).application();
        until("CREATED", get, got -> got.state() == ApplicationState.CREATED);

        StartJobRunRequest request = StartJobRunRequest.builder()
                .applicationId(application).executionRoleArn(role).name("hello").clientToken("java-1")
                .jobDriver(JobDriver.fromSparkSubmit(submit -> submit
                        .entryPoint("s3://bkt/jobs/hello.py").entryPointArguments("java").sparkSubmitParameters(spark)))
                .configurationOverrides(overrides -> overrides.monitoringConfiguration(
                        monitoring -> monitoring.s3MonitoringConfiguration(s3 -> s3.logUri("s3://bkt/logs/"))))
                .build();
        String run = client.startJobRun(request).jobRunId();
        check(client.startJobRun(request).jobRunId().equals(run), "one run for one token");
        Set<JobRunState> ended = Set.of(JobRunState.SUCCESS, JobRunState.FAILED, JobRunState.CANCELLED);
        JobRun got = until("the end",
                () -> client.getJobRun(r -> r.applicationId(application).jobRunId(run)).jobRun(),
                each -> ended.contains(each.state()));
        check(got.state() == JobRunState.SUCCESS, got.stateDetails());
        check(Duration.between(before, got.createdAt()).abs().toMinutes() < 10, got.createdAt());

        List<String> listed = client.listJobRunsPaginator(r -> r.applicationId(application).maxResults(1))
                .jobRuns().stream().map(JobRunSummary::id).toList();
        check(listed.equals(List.of(run)), listed);
        try {
            client.getJobRun(r -> r.applicationId(application).jobRunId("00f1cbn5g4bb0c01"));
            check(false, "an unknown run was found");
        } catch (ResourceNotFoundException error) {
            check(error.getMessage().contains("00f1cbn5g4bb0c01"), error.getMessage());
        }
        try {
            client.startJobRun(request.toBuilder().clientToken("java-2").executionRoleArn("nobody").build());
            check(false, "a wrong role was taken");
        } catch (ValidationException error) {
            check(error.getMessage().contains("nobody"), error.getMessage());
        }

        client.stopApplication(r -> r.applicationId(application));
        until("STOPPED", get, each -> each.state() == ApplicationState.STOPPED);
        client.deleteApplication(r -> r.applicationId(application));
        until("TERMINATED", get, each -> each.state() == ApplicationState.TERMINATED);
        System.out.println("RAN " + application + " " + run);
    }
}
