// The AWS SDK for JavaScript: create, start a run, wait, page through lists, stop, delete.
// Usage: node story.mjs ROLE SPARK_PARAMETERS
import {
  CreateApplicationCommand, DeleteApplicationCommand, EMRServerlessClient, GetApplicationCommand, GetJobRunCommand,
  ListJobRunAttemptsCommand, ResourceNotFoundException, StartJobRunCommand, StopApplicationCommand, ValidationException,
  paginateListJobRuns,
} from "@aws-sdk/client-emr-serverless";
import assert from "node:assert";

const [role, spark] = process.argv.slice(2);
const client = new EMRServerlessClient({});
const ended = ["SUCCESS", "FAILED", "CANCELLED"];

async function until(what, ask, done) {
  for (const end = Date.now() + 240_000; Date.now() < end; ) {
    const answer = await ask();
    if (done(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`never: ${what}`);
}

const before = Date.now();
const { applicationId, arn } = await client.send(new CreateApplicationCommand({
  name: "javascript", releaseLabel: "emr-7.13.0", type: "SPARK", tags: { by: "javascript" },
  maximumCapacity: { cpu: "4 vCPU", memory: "16 GB" },
}));
assert(arn.endsWith(`:/applications/${applicationId}`));
const application = async () => (await client.send(new GetApplicationCommand({ applicationId }))).application;
await until("CREATED", application, (got) => got.state === "CREATED");

const entryPoint = "s3://bkt/jobs/hello.py";
const request = {
  applicationId, executionRoleArn: role, name: "hello", clientToken: "javascript-1",
  jobDriver: { sparkSubmit: { entryPoint, entryPointArguments: ["javascript"], sparkSubmitParameters: spark } },
  configurationOverrides: { monitoringConfiguration: { s3MonitoringConfiguration: { logUri: "s3://bkt/logs/" } } },
};
const { jobRunId } = await client.send(new StartJobRunCommand(request));
assert.equal((await client.send(new StartJobRunCommand(request))).jobRunId, jobRunId, "one run for one token");
const run = async () => (await client.send(new GetJobRunCommand({ applicationId, jobRunId }))).jobRun;
const got = await until("the end", run, (got) => ended.includes(got.state));
assert.equal(got.state, "SUCCESS", got.stateDetails);
assert(got.createdAt instanceof Date && Math.abs(got.createdAt - before) < 600_000, String(got.createdAt));
assert.equal(got.jobDriver.sparkSubmit.entryPoint, entryPoint);

const listed = [];
for await (const page of paginateListJobRuns({ client, pageSize: 1 }, { applicationId, states: ["SUCCESS"] }))
  listed.push(...page.jobRuns.map((each) => each.id));
assert.deepEqual(listed, [jobRunId]);
const { jobRunAttempts } = await client.send(new ListJobRunAttemptsCommand({ applicationId, jobRunId }));
assert.deepEqual(jobRunAttempts.map((each) => each.state), ["SUCCESS"]);

const unknown = new GetJobRunCommand({ applicationId, jobRunId: "00f1cbn5g4bb0c01" });
await assert.rejects(client.send(unknown), (error) => error instanceof ResourceNotFoundException);
const wrong = new StartJobRunCommand({ ...request, clientToken: "javascript-2", executionRoleArn: "nobody" });
await assert.rejects(client.send(wrong), (error) => error instanceof ValidationException && error.message.includes("nobody"));

await client.send(new StopApplicationCommand({ applicationId }));
await until("STOPPED", application, (got) => got.state === "STOPPED");
await client.send(new DeleteApplicationCommand({ applicationId }));
await until("TERMINATED", application, (got) => got.state === "TERMINATED");
console.log("RAN", applicationId, jobRunId);
