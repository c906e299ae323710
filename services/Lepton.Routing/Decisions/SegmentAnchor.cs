using System.Globalization;
using System.Text.Json;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Decisions;

/// <summary>What the audit log was told, or will be, of a closed segment: kept beside it.</summary>
/// <param name="EventId">The audit event's id: the same however often it is sent.</param>
/// <param name="Records">Records in the segment.</param>
/// <param name="Root">Their root by RFC 6962, hex.</param>
/// <param name="First">The first decision's id.</param>
/// <param name="Last">The last one's.</param>
/// <param name="Time">When it was closed.</param>
/// <param name="Written">The event is in this process' spool or beyond.</param>
internal sealed record SegmentAnchor(
    string EventId, long Records, string Root, string First, string Last, DateTimeOffset Time, bool Written)
{
    /// <summary>The event's action.</summary>
    public const string Action = "decisions.anchor";

    /// <summary>Of a closed segment's frames.</summary>
    public static SegmentAnchor Of(ReadOnlySpan<byte> frames, DateTimeOffset now)
    {
        CompactRange tree = TreeOf(frames, out string first, out string last);
        return new SegmentAnchor(
            Guid.CreateVersion7(now).ToString("N"), tree.Size, HexOf(tree), first, last, now, false);
    }

    /// <summary>The root over all whole records: 64 lower-case hex digits.</summary>
    public static string RootOf(ReadOnlySpan<byte> frames) => HexOf(TreeOf(frames, out _, out _));

    private static string HexOf(CompactRange tree) => Convert.ToHexStringLower(tree.Root());

    private static CompactRange TreeOf(ReadOnlySpan<byte> frames, out string first, out string last)
    {
        CompactRange tree = new();
        (first, last) = ("", "");
        while (SegmentFrame.TryRead(frames, out ReadOnlySpan<byte> payload))
        {
            tree.Append(MerkleTree.HashLeaf(payload));
            last = SegmentFrame.IdOf(payload);
            if (tree.Size == 1)
                first = last;
            frames = frames[(SegmentFrame.HeaderBytes + payload.Length)..];
        }
        return tree;
    }

    /// <summary>Of a segment; null: it has none yet, or one that cannot be read.</summary>
    public static SegmentAnchor? Read(SegmentFile segment)
    {
        try
        {
            return JsonSerializer.Deserialize<SegmentAnchor>(File.ReadAllBytes(segment.AnchorPath));
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    public void Write(SegmentFile segment)
    {
        string made = segment.AnchorPath + ".new";
        using (FileStream file = new(made, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(this));
            file.Flush(flushToDisk: true);
        }
        File.Move(made, segment.AnchorPath, overwrite: true);
        DurableFolder.Flush(segment.Directory);
    }

    public AuditEvent ToEvent(string segment, string principal) => new()
    {
        Id = EventId,
        Category = AuditCategory.Audit,
        Action = Action,
        Outcome = AuditOutcome.Succeeded,
        Actor = new AuditActor { Principal = principal, Service = true },
        Resource = "decision-segments/" + segment,
        Details =
        {
            ["segment"] = segment,
            ["records"] = Records.ToString(CultureInfo.InvariantCulture),
            ["root"] = Root,
            ["first"] = First,
            ["last"] = Last,
        },
    };
}
