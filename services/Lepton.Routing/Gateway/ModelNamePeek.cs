using System.Text;
using System.Text.Unicode;

namespace Lepton.Routing.Gateway;

/// <summary>What a look at a message's top level found.</summary>
internal enum PeekStatus
{
    /// <summary>The whole message was walked.</summary>
    Complete,

    /// <summary>It is well-formed as far as it goes.</summary>
    Incomplete,

    /// <summary>No protobuf message, or one that could be read in two ways.</summary>
    Malformed,
}

/// <summary>
/// Reads model name and version from a serialised request without parsing the rest. Protobuf takes the last of a
/// repeated scalar, so a name given twice could be read one way here and another there: it is refused, as is
/// everything else
/// whose
/// reading differs between parsers (wrong wire types, groups, overlong tags and lengths, text that is not UTF-8).
/// </summary>
internal readonly ref struct ModelNamePeek
{
    private const int VarintBytesMax = 10, Varint32BytesMax = 5;

    private ModelNamePeek(PeekStatus status, string model, string version, string fault)
    {
        (Status, Model, Version, Fault) = (status, model, version, fault);
    }

    public PeekStatus Status { get; }

    /// <summary>The name; empty when it has not come (yet).</summary>
    public string Model { get; }

    public string Version { get; }

    /// <summary>What is wrong, when malformed.</summary>
    public string Fault { get; }

    /// <summary>Walks the message.</summary>
    /// <param name="message">All of it, or its beginning.</param>
    /// <param name="modelField">The field number of the name: 1, or 2 in repository calls.</param>
    /// <param name="versionField">The field number of the version; 0: it has none.</param>
    public static ModelNamePeek At(ReadOnlySpan<byte> message, int modelField, int versionField)
    {
        string? model = null, version = null;
        int at = 0;
        while (at < message.Length)
        {
            PeekStatus status = ReadVarint(message, ref at, Varint32BytesMax, out ulong tag);
            if (status != PeekStatus.Complete)
                return End(status, model, version, "has a damaged field tag");
            (int field, int wire) = ((int)(tag >> 3), (int)(tag & 7));
            if (field == 0 || wire is 3 or 4 or > 5)
                return End(PeekStatus.Malformed, model, version, "has a field that protobuf does not know");
            bool wanted = field == modelField || field == versionField;
            if (wanted && wire != 2)
                return End(PeekStatus.Malformed, model, version,
                    "gives the model's name or version another type than text");
            status = Skip(message, ref at, wire, out ReadOnlySpan<byte> value);
            if (status != PeekStatus.Complete)
                return End(status, model, version, "has a damaged field");
            if (!wanted)
                continue;
            ref string? target = ref field == modelField ? ref model : ref version;
            if (target is not null)
                return End(PeekStatus.Malformed, model, version, "names its model or version more than once");
            if (!Utf8.IsValid(value))
                return End(PeekStatus.Malformed, model, version, "names its model or version in damaged UTF-8");
            target = Encoding.UTF8.GetString(value);
        }
        return End(PeekStatus.Complete, model, version, "");
    }

    private static ModelNamePeek End(PeekStatus status, string? model, string? version, string fault) =>
        new(status, model ?? "", version ?? "", fault);

    private static PeekStatus Skip(ReadOnlySpan<byte> message, ref int at, int wire, out ReadOnlySpan<byte> value)
    {
        value = default;
        ulong length;
        switch (wire)
        {
            case 0:
                return ReadVarint(message, ref at, VarintBytesMax, out _);
            case 1:
                length = 8;
                break;
            case 5:
                length = 4;
                break;
            default:
                PeekStatus status = ReadVarint(message, ref at, Varint32BytesMax, out length);
                if (status != PeekStatus.Complete)
                    return status;
                if (length > int.MaxValue)
                    return PeekStatus.Malformed;
                break;
        }
        if (length > (ulong)(message.Length - at))
            return PeekStatus.Incomplete;
        value = message.Slice(at, (int)length);
        at += (int)length;
        return PeekStatus.Complete;
    }

    private static PeekStatus ReadVarint(ReadOnlySpan<byte> message, ref int at, int bytesMax, out ulong value)
    {
        value = 0;
        for (int i = 0; i < bytesMax; i++)
        {
            if (at + i >= message.Length)
                return PeekStatus.Incomplete;
            byte b = message[at + i];
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                at += i + 1;
                // A 32-bit varint with bits beyond: parsers drop them, so the number would depend on the reader.
                return bytesMax == Varint32BytesMax && value > uint.MaxValue ? PeekStatus.Malformed
                    : PeekStatus.Complete;
            }
        }
        return PeekStatus.Malformed;
    }
}
