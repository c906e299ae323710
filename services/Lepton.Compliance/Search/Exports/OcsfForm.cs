using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search.Exports;

/// <summary>
/// Open Cybersecurity Schema Framework 1.3.0 (schema.ocsf.io), an event a line: who proved who he is as Authentication
/// (3002), all else as API Activity (6003). What the schema has no place for is in <c>unmapped</c>.
/// </summary>
internal sealed class OcsfForm(Stream to, EntryOpener opener) : IEntryForm
{
    public const string Version = "1.3.0";
    private const int Authentication = 3002, ApiActivity = 6003, Other = 99;

    private static readonly byte[] NewLine = "\n"u8.ToArray();

    public Task BeginAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task WriteAsync(StoredEntry entry, CancellationToken cancellationToken)
    {
        await to.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(Map(opener.Open(entry))), cancellationToken);
        await to.WriteAsync(NewLine, cancellationToken);
    }

    public Task EndAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>An entry as an event of the schema.</summary>
    internal static JsonObject Map(FoundEntry found)
    {
        var e = found.Event;
        var isLogin = e.Category == AuditCategory.Authentication;
        var (classUid, activity) = isLogin
            ? (Authentication, e.Action.Contains("logout", StringComparison.Ordinal) ? 2 : 1)
            : (ApiActivity, ActivityOf(e.Action));
        var succeeded = e.Outcome == AuditOutcome.Succeeded;
        JsonObject mapped = new()
        {
            ["class_uid"] = classUid,
            ["category_uid"] = classUid / 1000,
            ["activity_id"] = activity,
            ["type_uid"] = (classUid * 100) + activity,
            ["time"] = (e.EventTime?.ToDateTimeOffset() ?? default).ToUnixTimeMilliseconds(),
            ["severity_id"] = SeverityOf(e),
            ["status_id"] = succeeded ? 1 : 2,
            ["status"] = succeeded ? "Success" : "Failure",
            ["status_code"] = e.Reason,
            ["message"] = e.Message.Length > 0 ? e.Message : e.Action,
            ["metadata"] = new JsonObject
            {
                ["version"] = Version,
                ["product"] = new JsonObject { ["name"] = "Lepton", ["vendor_name"] = "Lepton" },
                ["uid"] = e.Id,
                ["sequence"] = (long)found.Sequence,
                ["log_name"] = found.Log,
                ["logged_time"] = found.WriteTime.ToDateTimeOffset().ToUnixTimeMilliseconds(),
                ["correlation_uid"] = e.TraceId,
                ["tenant_uid"] = e.Tenant,
            },
            ["src_endpoint"] = e.Actor is { Address.Length: > 0 } from
                ? new JsonObject { ["ip"] = from.Address }
                : new JsonObject { ["name"] = e.Actor?.Principal is { Length: > 0 } p ? p : "unknown" },
            ["unmapped"] = Unmapped(found),
        };
        if (isLogin)
        {
            mapped["user"] = UserOf(found);
            mapped["service"] = new JsonObject { ["name"] = e.Service };
        }
        mapped["actor"] = new JsonObject { ["user"] = UserOf(found) };
        if (classUid == ApiActivity)
        {
            mapped["api"] = new JsonObject
            {
                ["operation"] = e.Action,
                ["service"] = new JsonObject { ["name"] = e.Service },
                ["response"] = new JsonObject { ["error"] = e.Reason },
            };
            if (e.Resource.Length > 0)
                mapped["resources"] = new JsonArray(new JsonObject { ["uid"] = e.Resource, ["region"] = e.Region });
        }
        return mapped;
    }

    // Create 1, read 2, update 3, delete 4.
    private static int ActivityOf(string action)
    {
        var word = action[(action.LastIndexOfAny(['/', '.']) + 1)..].ToLowerInvariant();
        return Begins("create", "grant", "put", "place", "add", "append", "load") ? 1
            : Begins("get", "list", "search", "export", "read", "scan", "watch", "who", "explain", "plan") ? 2
            : Begins("update", "set", "approve", "activate", "drain", "resume", "promote", "roll", "change") ? 3
            : Begins("delete", "revoke", "erase", "discard", "release", "unload", "remove") ? 4
            : Other;

        bool Begins(params ReadOnlySpan<string> verbs)
        {
            foreach (var verb in verbs)
                if (word.StartsWith(verb, StringComparison.Ordinal))
                    return true;
            return false;
        }
    }

    // Informational 1, low 2, medium 3, high 4.
    private static int SeverityOf(AuditEvent e) => e.Category == AuditCategory.Security ? 4
        : e.Outcome == AuditOutcome.Denied ? 3
        : e.Outcome == AuditOutcome.Failed ? 2
        : 1;

    // User 1, system 3; unknown 0: nobody was named, or the person was erased.
    private static JsonObject UserOf(FoundEntry found) => found.Event.Actor is { Principal.Length: > 0 } actor
        ? new JsonObject
        {
            ["name"] = actor.Principal, ["uid"] = actor.Principal, ["type_id"] = actor.Service ? 3 : 1,
            ["org"] = new JsonObject { ["name"] = found.Event.Tenant },
        }
        : new JsonObject { ["name"] = found.ActorErased ? "erased" : "unknown", ["uid"] = "unknown", ["type_id"] = 0 };

    private static JsonObject Unmapped(FoundEntry found)
    {
        var e = found.Event;
        JsonObject rest = new()
        {
            ["category"] = e.Category.ToString().ToUpperInvariant(),
            ["outcome"] = e.Outcome.ToString().ToUpperInvariant(),
            ["zone"] = e.Zone,
            ["region"] = e.Region,
            ["process"] = e.Process,
            ["data_class"] = e.DataClass,
            ["decision_id"] = e.DecisionId,
            ["policy_version"] = e.PolicyVersion,
            ["subject"] = e.Subject,
            ["subject_erased"] = found.SubjectErased,
        };
        foreach (var (name, value) in e.Details.OrderBy(d => d.Key, StringComparer.Ordinal))
            rest["details." + name] = value;
        return rest;
    }
}
