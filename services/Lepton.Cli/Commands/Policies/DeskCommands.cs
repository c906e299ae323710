using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Cli.Commands.Policies;

/// <summary>What needs no platform: check, diff, explain.</summary>
internal static class DeskCommands
{
    public static Command Check(Session session)
    {
        Argument<string?> file = PolicyCommand.File();
        Option<bool> json = SharedOptions.Json();
        Command command = new("check", "Check a policy: its form, its own cases, its invariants over every state.")
        {
            file, json,
        };
        command.SetAction(parse => (int)Check(
            session, parse.GetValue(file) ?? session.Installation.PolicyFile, parse.GetValue(json)));
        return command;
    }

    public static Command Diff(Session session)
    {
        Argument<string> was = new("WAS") { Description = "The policy's file before." };
        Argument<string> now = new("NOW") { Description = "And after." };
        Option<bool> json = SharedOptions.Json();
        Command command = new("diff", "Which decisions another version changes, both ways.") { was, now, json };
        command.SetAction(parse =>
        {
            PolicyDiff diff = PolicyDiff.Between(
                PolicyFile.Read(parse.GetRequiredValue(was), session.Time),
                PolicyFile.Read(parse.GetRequiredValue(now), session.Time));
            if (parse.GetValue(json))
            {
                session.Terminal.Json(PolicyView.Json(PolicyView.Wire(diff)));
            }
            else
            {
                PolicyView.Show(session.Terminal, PolicyView.Wire(diff));
            }

            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Command Explain(Session session)
    {
        Argument<string?> file = PolicyCommand.File();
        Option<string?> dataClass = new("--class") { Description = "A data class, or several joined by +." };
        Option<string?> subject = new("--subject") { Description = "Instead: whose data, a jurisdiction (EU, CA-QC)." };
        Option<string?> category = new("--category") { Description = "And which data (personal, health, payment)." };
        Option<string> purpose = new("--purpose")
        {
            Description = $"What for: {string.Join(", ", Vocabulary.PurposeNames)}.",
            DefaultValueFactory = _ => "inference",
        };
        Option<string> to = new("--to") { Description = "Where to: a region.", Required = true, HelpName = "REGION" };
        Option<bool> json = SharedOptions.Json();
        Command command = new("explain", "What a policy decides, by which rule of which law.")
        {
            file, dataClass, subject, category, purpose, to, json,
        };
        command.SetAction(parse =>
        {
            ResidencyPolicy policy = PolicyFile.Read(
                parse.GetValue(file) ?? session.Installation.PolicyFile, session.Time);
            Purpose what = Vocabulary.PurposeOf(parse.GetRequiredValue(purpose)) ?? throw new CommandFailure(
                ExitCode.Usage, $"--purpose takes one of {string.Join(", ", Vocabulary.PurposeNames)}.");
            LawAnswer answer = Ask(policy, parse.GetValue(dataClass), parse.GetValue(subject),
                parse.GetValue(category), what, parse.GetRequiredValue(to));
            if (parse.GetValue(json))
            {
                session.Terminal.Json(PolicyView.Json(answer));
            }
            else
            {
                PolicyView.Show(session.Terminal, answer);
            }

            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static LawAnswer Ask(
        ResidencyPolicy policy, string? dataClass, string? subject, string? category, Purpose purpose, string region)
    {
        if (dataClass is not null)
        {
            return policy.Explain(dataClass, purpose, region) ?? throw new CommandFailure(ExitCode.Usage,
                $"--class takes one of {string.Join(", ", policy.DataClasses.Select(c => c.Name))}.");
        }

        return subject is not null && category is not null
            ? policy.Decide(subject, category, purpose, region)
            : throw new CommandFailure(ExitCode.Usage, "explain takes --class, or --subject and --category.");
    }

    private static ExitCode Check(Session session, string path, bool json)
    {
        long began = session.Time.GetTimestamp();
        PolicyReport report = PolicyCheck.Run(
            PolicyFile.Bundle(path), PolicyFile.Regions(path, session.Time), session.Time);
        TimeSpan took = session.Time.GetElapsedTime(began);
        if (json)
        {
            session.Terminal.Json(new JsonObject
            {
                ["version"] = report.Policy?.Version,
                ["digest"] = report.Policy?.Digest,
                ["problems"] = new JsonArray([.. report.Problems.Select(p => new JsonObject
                {
                    ["stage"] = p.Stage, ["name"] = p.Name, ["message"] = p.Message,
                })]),
                ["tests"] = report.Tests,
                ["invariants"] = report.Invariants,
                ["states"] = report.States,
            });
        }
        else
        {
            foreach (PolicyProblem problem in report.Problems)
            {
                session.Terminal.Line($"{problem.Stage,-10} {problem.Name}: {problem.Message}");
            }

            session.Terminal.Line(string.Create(CultureInfo.InvariantCulture,
                $"Version {report.Policy?.Version}: {report.Tests} cases, {report.Invariants} invariants over ")
                + string.Create(CultureInfo.InvariantCulture,
                    $"{report.States} states, {report.Problems.Count} problems ({took.TotalMilliseconds:F0} ms)."));
        }

        return report.IsGood ? ExitCode.Ok : ExitCode.Failed;
    }
}
