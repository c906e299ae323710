using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Google.Protobuf;

namespace Lepton.Sync.Client;

/// <summary>How a value is written in a record.</summary>
public interface IRecordCodec<T>
{
    /// <summary>The value's bytes, at most 1 MiB.</summary>
    ReadOnlyMemory<byte> Write(T value);

    /// <summary>The value of these bytes.</summary>
    /// <exception cref="RecordFormatException">They are none; says why.</exception>
    T Read(ReadOnlyMemory<byte> bytes);
}

/// <summary>A record's bytes are no value of the type that was asked for.</summary>
public sealed class RecordFormatException(string message, Exception? cause = null)
    : FormatException(message, cause);

/// <summary>The ready codecs.</summary>
public static class RecordCodec
{
    /// <summary>The bytes themselves.</summary>
    public static IRecordCodec<ReadOnlyMemory<byte>> Bytes { get; } = new BytesCodec();

    /// <summary>Protobuf's binary form.</summary>
    public static IRecordCodec<T> Protobuf<T>(MessageParser<T> parser) where T : class, IMessage<T> =>
        new ProtobufCodec<T>(parser);

    /// <summary>JSON in UTF-8, by a generated or reflected contract.</summary>
    public static IRecordCodec<T> Json<T>(JsonTypeInfo<T> contract) where T : class => new JsonCodec<T>(contract);

    private sealed class BytesCodec : IRecordCodec<ReadOnlyMemory<byte>>
    {
        public ReadOnlyMemory<byte> Write(ReadOnlyMemory<byte> value) => value;

        public ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> bytes) => bytes;
    }

    private sealed class ProtobufCodec<T>(MessageParser<T> parser) : IRecordCodec<T> where T : class, IMessage<T>
    {
        public ReadOnlyMemory<byte> Write(T value) => value.ToByteArray();

        public T Read(ReadOnlyMemory<byte> bytes)
        {
            try
            {
                return parser.ParseFrom(bytes.Span);
            }
            catch (InvalidProtocolBufferException e)
            {
                throw new RecordFormatException($"The record is no {typeof(T).Name}: {e.Message}", e);
            }
        }
    }

    private sealed class JsonCodec<T>(JsonTypeInfo<T> contract) : IRecordCodec<T> where T : class
    {
        public ReadOnlyMemory<byte> Write(T value) => JsonSerializer.SerializeToUtf8Bytes(value, contract);

        public T Read(ReadOnlyMemory<byte> bytes)
        {
            try
            {
                return JsonSerializer.Deserialize(bytes.Span, contract)
                    ?? throw new RecordFormatException($"The record is no {typeof(T).Name}: null.");
            }
            catch (JsonException e)
            {
                throw new RecordFormatException($"The record is no {typeof(T).Name}: {e.Path}: {e.Message}", e);
            }
        }
    }
}
