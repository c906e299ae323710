using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lepton.Testing.Fuzzing;

/// <summary>Well-formed messages of any type, with the values that programs stumble over.</summary>
/// <param name="random">Seeded.</param>
/// <param name="words">Texts that mean something to the service: names of its models, nodes, regions.</param>
public sealed class RandomMessages(Random random, IReadOnlyList<string> words)
{
    private const int DepthMax = 4;

    /// <summary>A message with about half of its fields set.</summary>
    public IMessage Make(MessageDescriptor type, int depth = 0)
    {
        ArgumentNullException.ThrowIfNull(type);
        var message = New(type);
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (random.Next(2) == 0 || (depth >= DepthMax && field.FieldType == FieldType.Message))
                continue;
            if (field.IsMap)
                Fill((IDictionary)field.Accessor.GetValue(message), field, depth);
            else if (field.IsRepeated)
                Fill((IList)field.Accessor.GetValue(message), field, depth);
            else
                field.Accessor.SetValue(message, Value(field, depth));
        }
        return message;
    }

    private static IMessage New(MessageDescriptor type) => type.Parser.ParseFrom(ReadOnlySpan<byte>.Empty);

    private void Fill(IDictionary map, FieldDescriptor field, int depth)
    {
        var (key, value) = (field.MessageType.Fields[1], field.MessageType.Fields[2]);
        for (var i = random.Next(3); i > 0; i--)
            map[Value(key, depth)] = Value(value, depth);
    }

    private void Fill(IList list, FieldDescriptor field, int depth)
    {
        for (var i = random.Next(4); i > 0; i--)
            list.Add(Value(field, depth));
    }

    private object Value(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Bool => random.Next(2) == 0,
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => unchecked((int)Number()),
        FieldType.UInt32 or FieldType.Fixed32 => unchecked((uint)Number()),
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Number(),
        FieldType.UInt64 or FieldType.Fixed64 => unchecked((ulong)Number()),
        FieldType.Float => (float)Real(),
        FieldType.Double => Real(),
        FieldType.String => Text(),
        FieldType.Bytes => ByteString.CopyFrom(Bytes()),
        FieldType.Enum => System.Enum.ToObject(field.EnumType.ClrType, random.Next(-1, 9)),
        _ => Make(field.MessageType, depth + 1),
    };

    private long Number() => random.Next(8) switch
    {
        0 => 0, 1 => -1, 2 => long.MaxValue, 3 => long.MinValue, 4 => int.MaxValue, 5 => int.MinValue,
        6 => random.Next(1000), _ => random.NextInt64(),
    };

    private double Real() => random.Next(6) switch
    {
        0 => double.NaN, 1 => double.PositiveInfinity, 2 => -1, 3 => double.MaxValue, 4 => 0, _ => random.NextDouble(),
    };

    private string Text() => random.Next(6) switch
    {
        0 => "", 1 => new string('x', random.Next(1, 5000)), 2 => "\0\u202e%s{0}'\"<>\\../..",
        3 => "\uD83D\uDE00\u0301",
        _ => words[random.Next(words.Count)],
    };

    private byte[] Bytes()
    {
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        return bytes;
    }
}
