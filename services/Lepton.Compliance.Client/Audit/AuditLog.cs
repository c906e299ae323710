using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit;

/// <summary>Fills in what an event lacks, keeps its texts within their limits, and gives it to the spool.</summary>
internal sealed class AuditLog(Spool spool, AuditPlace place, TimeProvider time) : IAuditLog
{
    private const int TextMax = 256, MessageMax = 1_000, DetailsMax = 16, DetailNameMax = 64;

    public ValueTask WriteAsync(AuditEvent auditEvent, CancellationToken cancellationToken) =>
        spool.WriteAsync(Encode(auditEvent), cancellationToken);

    public void Report(AuditEvent auditEvent) => spool.Report(Encode(auditEvent));

    private byte[] Encode(AuditEvent e)
    {
        ArgumentNullException.ThrowIfNull(e);
        if (e.Id.Length == 0)
            e.Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        e.EventTime ??= time.GetUtcNow().ToTimestamp();
        e.Region = place.Region;
        e.Zone = place.Zone;
        e.Service = place.Service;
        e.Process = place.Process;
        if (e.TraceId.Length == 0 && Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
            e.TraceId = activity.TraceId.ToHexString();
        Bound(e);
        return e.ToByteArray();
    }

    private static void Bound(AuditEvent e)
    {
        e.Action = AuditText.Safe(e.Action, TextMax);
        e.Reason = AuditText.Safe(e.Reason, TextMax);
        e.Message = AuditText.Safe(e.Message, MessageMax);
        e.Tenant = AuditText.Safe(e.Tenant, TextMax);
        e.Resource = AuditText.Safe(e.Resource, TextMax);
        e.Subject = AuditText.Safe(e.Subject, TextMax);
        e.DataClass = AuditText.Safe(e.DataClass, TextMax);
        e.DecisionId = AuditText.Safe(e.DecisionId, TextMax);
        e.PolicyVersion = AuditText.Safe(e.PolicyVersion, TextMax);
        if (e.Actor is { } actor)
        {
            actor.Principal = AuditText.Safe(actor.Principal, TextMax);
            actor.Client = AuditText.Safe(actor.Client, TextMax);
            actor.Address = AuditText.Safe(actor.Address, TextMax);
            actor.TokenId = AuditText.Safe(actor.TokenId, TextMax);
            actor.CertificateThumbprint = AuditText.Safe(actor.CertificateThumbprint, TextMax);
        }
        if (e.Details.Count == 0)
            return;
        KeyValuePair<string, string>[] details = [.. e.Details.Take(DetailsMax)];
        e.Details.Clear();
        foreach ((string name, string value) in details)
            e.Details[AuditText.Safe(name, DetailNameMax)] = AuditText.Safe(value, TextMax);
    }
}

/// <summary>Where events happen.</summary>
/// <param name="Region">The process's region.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Service">Its service.</param>
/// <param name="Process">Itself.</param>
internal sealed record AuditPlace(string Region, string Zone, string Service, string Process);

/// <summary>Texts as the log takes them.</summary>
internal static class AuditText
{
    /// <summary>
    /// Not longer than this, and without what would break a line or protobuf's strings: control characters and halves
    /// of surrogate pairs become question marks.
    /// </summary>
    public static string Safe(string text, int max)
    {
        if (text.Length <= max && IsSafe(text))
            return text;
        return string.Create(Math.Min(text.Length, max), text, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
            {
                bool isPair = char.IsHighSurrogate(from[i]) && i + 1 < to.Length && char.IsLowSurrogate(from[i + 1]);
                if (isPair)
                    to[i] = from[i++];
                to[i] = isPair || !(char.IsControl(from[i]) || char.IsSurrogate(from[i])) ? from[i] : '?';
            }
        });
    }

    private static bool IsSafe(string text)
    {
        foreach (char c in text)
            if (char.IsControl(c) || char.IsSurrogate(c))
                return false;
        return true;
    }
}
