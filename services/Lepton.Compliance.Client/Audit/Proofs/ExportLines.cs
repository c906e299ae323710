using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>How an export proves its entries.</summary>
public enum ExportMode
{
    /// <summary>All entries of a range, without a gap, proven together by the subtrees beside it.</summary>
    Range,

    /// <summary>Entries that a search found, each with a proof of its own.</summary>
    Selection,
}

/// <summary>The first line of an export.</summary>
/// <param name="Log">Whose entries.</param>
/// <param name="Mode">How they are proven.</param>
/// <param name="Size">Of the head that all is proven against; it is the export's head.</param>
/// <param name="First">Of a range: the first sequence. Else 0.</param>
/// <param name="Last">Of a range: the last sequence. Else 0.</param>
/// <param name="Before">Of a range: the complete subtrees' roots before it.</param>
/// <param name="After">Of a range: those after it, up to the size.</param>
public sealed record ExportHeader(
    string Log, ExportMode Mode, long Size, long First, long Last, IReadOnlyList<byte[]> Before,
    IReadOnlyList<byte[]> After)
{
    /// <summary>The form's name and version.</summary>
    public const string Format = "lepton-audit-export/1";
}

/// <summary>The lines of an export as JSON: one object a line, by the one name that it has.</summary>
internal static class ExportLines
{
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    public sealed record Line
    {
        public HeaderLine? Export { get; init; }

        public EntryLine? Entry { get; init; }

        public LeafLine? Leaf { get; init; }

        public ConsistencyLine? Consistency { get; init; }

        public HeadLine? Head { get; init; }

        public EndLine? End { get; init; }
    }

    public sealed record HeaderLine(
        string Format, string Log, ExportMode Mode, long Size, long First, long Last, IReadOnlyList<byte[]> Before,
        IReadOnlyList<byte[]> After);

    public sealed record EntryLine(
        long Sequence, byte[] Bytes, EntryColumns Columns, IReadOnlyList<byte[]>? Proof);

    public sealed record LeafLine(long Sequence, byte[] Hash);

    public sealed record ConsistencyLine(long Size, IReadOnlyList<byte[]> Proof);

    public sealed record WitnessLine(string Witness, string Signature);

    public sealed record HeadLine(
        string Log, long Size, DateTimeOffset HeadTime, byte[] Root, string Signature,
        IReadOnlyList<WitnessLine> Witnesses)
    {
        public static HeadLine Of(TreeHead head) => new(
            head.Log, (long)head.Size, head.HeadTime.ToDateTimeOffset(), head.Root.ToByteArray(), head.Signature,
            [.. head.Witnesses.Select(w => new WitnessLine(w.Witness, w.Signature))]);

        public TreeHead ToHead() => new()
        {
            Log = Log, Size = (ulong)Size, HeadTime = Timestamp.FromDateTimeOffset(HeadTime),
            Root = ByteString.CopyFrom(Root), Signature = Signature,
            Witnesses =
            {
                Witnesses.Select(w => new WitnessSignature { Witness = w.Witness, Signature = w.Signature }),
            },
        };
    }

    public sealed record EndLine(long Entries);
}
