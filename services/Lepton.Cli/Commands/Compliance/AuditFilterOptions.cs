using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;
using Enum = System.Enum;

namespace Lepton.Cli.Commands.Compliance;

/// <summary>What of the audit log a command means.</summary>
internal sealed class AuditFilterOptions(TimeProvider time)
{
    private readonly Option<string> actor = Text("--actor", "Who: a principal (lepton/anna).", "PRINCIPAL");
    private readonly Option<string> subject = Text("--subject", "The data subject whom it concerns.", "SUBJECT");
    private readonly Option<string> tenant = Text("--of", "For whom (default: all you may read).", "TENANT");
    private readonly Option<string> resource = Text("--resource", "To what (nodes/inference-eu-west-a).", "RESOURCE");
    private readonly Option<string> action = Text("--action", "What was done (roles.grant).", "ACTION");
    private readonly Option<string> category = Text(
        "--category", "management, authentication, authorisation, policy, regulated, security or audit.", "CATEGORY");

    private readonly Option<string> outcome = Text("--outcome", "succeeded, denied or failed.", "OUTCOME");
    private readonly Option<string> text = Text("--text", "Words of the message; ref*: beginnings.", "WORDS");
    private readonly Option<string> trace = Text("--trace", "The trace's 32 hex digits.", "ID");
    private readonly Option<string> decision = Text("--decision", "The routing decision.", "ID");
    private readonly Option<string> since = Text(
        "--since", "Written then or later: a time (2026-06-01T12:00:00Z), or so long ago (90s, 15m, 2h, 7d).", "TIME");

    private readonly Option<string> until = Text("--until", "Written before then, likewise.", "TIME");

    public void AddTo(Command command)
    {
        foreach (Option<string> option in (Option<string>[])
            [actor, subject, tenant, resource, action, category, outcome, text, trace, decision, since, until])
        {
            command.Options.Add(option);
        }
    }

    public AuditFilter Read(ParseResult parse)
    {
        string Of(Option<string> option) => parse.GetRequiredValue(option);
        AuditFilter filter = new()
        {
            Actor = Of(actor), Subject = Of(subject), Tenant = Of(tenant), Resource = Of(resource), Action = Of(action),
            Text = Of(text), TraceId = Of(trace), DecisionId = Of(decision),
            Category = Value<AuditCategory>("--category", Of(category)),
            Outcome = Value<AuditOutcome>("--outcome", Of(outcome)),
            FromTime = Time("--since", Of(since)), ToTime = Time("--until", Of(until)),
        };
        return filter;
    }

    private Timestamp? Time(string option, string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)
            && text.Contains('-', StringComparison.Ordinal))
        {
            return Timestamp.FromDateTimeOffset(at);
        }

        double unit = text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        return unit > 0 && double.TryParse(text[..^1], CultureInfo.InvariantCulture, out double count)
            && count is >= 0 and <= 100_000
                ? Timestamp.FromDateTimeOffset(time.GetUtcNow().AddSeconds(-count * unit))
                : throw new CommandFailure(ExitCode.Usage,
                    $"{option} {text}: takes a time as 2026-06-01T12:00:00Z, or 90s, 15m, 2h, 7d ago.");
    }

    private static T Value<T>(string option, string text) where T : struct, Enum
    {
        if (text.Length == 0)
        {
            return default;
        }

        return Enum.TryParse(text, ignoreCase: true, out T value) && Enum.IsDefined(value)
            && !value.Equals(default(T)) && !char.IsAsciiDigit(text[0])
                ? value
                : throw new CommandFailure(ExitCode.Usage, $"{option} {text}: takes one of "
                    + string.Join(", ", Enum.GetNames<T>().Skip(1)).ToLowerInvariant() + ".");
    }

    private static Option<string> Text(string name, string description, string help) => new(name)
    {
        Description = description, DefaultValueFactory = _ => "", HelpName = help,
    };
}
