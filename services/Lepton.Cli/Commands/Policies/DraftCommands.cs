using System.CommandLine;
using Google.Protobuf;
using Lepton.Cli.Commands.Control;
using Lepton.Cli.Output;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Policies;

/// <summary>Submit, approve, list.</summary>
internal static class DraftCommands
{
    public static Command Submit(Session session)
    {
        Argument<string?> file = PolicyCommand.File();
        Option<string> note = new("--note") { Description = "Why, in words.", DefaultValueFactory = _ => "" };
        Command command = new("submit", "Sign a policy and submit it; somebody else approves it.") { file, note };
        return PolicyCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            string path = parse.GetValue(file) ?? session.Installation.PolicyFile;
            ControlDocument document = ControlDocument.Read(path, PolicyFile.Bundle(path));
            byte[] jws = new ControlSigner(session.Installation, session.Time).Sign(
                $"policies/{document.Version}", document);
            SubmitPolicyResponse answer = await call.Gateway.Policies.SubmitPolicyAsync(new SubmitPolicyRequest
            {
                Jws = UnsafeByteOperations.UnsafeWrap(jws), Note = parse.GetValue(note) ?? "",
            }, call.Options);
            if (call.Json)
            {
                call.Terminal.Json(PolicyView.Json(answer));
                return ExitCode.Ok;
            }

            PolicyView.Show(call.Terminal, answer.Difference);
            call.Terminal.Line($"Policy {answer.Policy.Version} is a draft of {answer.Policy.Author}'s "
                + $"({answer.Report.Tests} cases, {answer.Report.Invariants} invariants over "
                + $"{answer.Report.States} states).");
            call.Terminal.Progress($"Somebody else approves it: ./lepton policy approve {answer.Policy.Version}");
            return ExitCode.Ok;
        });
    }

    public static Command Approve(Session session)
    {
        Argument<long> version = new("VERSION") { Description = "Which policy." };
        Option<string?> digest = new("--digest")
        {
            Description = "The digest of what was looked at (default: of what is there now, which is shown).",
        };
        Command command = new("approve", "Approve a policy that somebody else submitted.") { version, digest };
        return PolicyCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            long number = parse.GetValue(version);
            string? looked = parse.GetValue(digest);
            if (looked is null)
            {
                GetPolicyResponse there = await call.Gateway.Policies.GetPolicyAsync(
                    new GetPolicyRequest { Version = number }, call.Options);
                DiffResponse diff = await call.Gateway.Policies.DiffAsync(
                    new DiffRequest { ToVersion = number }, call.Options);
                looked = there.Policy.Digest;
                if (!call.Json)
                {
                    PolicyView.Show(call.Terminal, diff.Difference);
                }
            }

            ApprovePolicyResponse answer = await call.Gateway.Policies.ApprovePolicyAsync(
                new ApprovePolicyRequest { Version = number, Digest = looked }, call.Options);
            if (call.Json)
            {
                call.Terminal.Json(PolicyView.Json(answer));
                return ExitCode.Ok;
            }

            call.Terminal.Line($"Policy {number} of {answer.Policy.Author}'s is approved by {answer.Policy.Approver}.");
            return ExitCode.Ok;
        });
    }

    public static Command List(Session session)
    {
        Command command = new("list", "The policies there are, and what is active where.");
        return PolicyCommand.Calls(session).Complete(command, async (_, call, _) =>
        {
            ListPoliciesResponse answer = await call.Gateway.Policies.ListPoliciesAsync(
                new ListPoliciesRequest { PageSize = 100 }, call.Options);
            GetActivationResponse active = await call.Gateway.Policies.GetActivationAsync(
                new GetActivationRequest(), call.Options);
            if (call.Json)
            {
                active.Document = ByteString.Empty; // the versions have their own
                System.Text.Json.Nodes.JsonObject json = PolicyView.Json(answer);
                json["activation"] = PolicyView.Json(active);
                call.Terminal.Json(json);
                return ExitCode.Ok;
            }

            Spectre.Console.Table table = Tables.Create(
                ">Version", "State", "Active in", "Author", "Approver", "Digest");
            foreach (Policy policy in answer.Policies)
            {
                IEnumerable<string> where = active.Active.Where(a => a.Value == policy.Version)
                    .Select(a => a.Key == "*" ? "every other region" : a.Key).Order();
                table.Add($"{policy.Version}", PolicyView.State(policy), string.Join(", ", where), policy.Author,
                    policy.Approver, policy.Digest.Length > 19 ? policy.Digest[..19] : policy.Digest);
            }

            call.Terminal.Show(table);
            return ExitCode.Ok;
        });
    }
}
