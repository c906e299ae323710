using System.Text;
using Google.Protobuf;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Tests.Replication.World;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3: rows and checksums as bytes.</summary>
public sealed class RowCodecTests
{
    /// <summary>RFC 3720, appendix B.4, and the check value of the CRC catalogue.</summary>
    [Fact]
    public void Crc32C_PublishedVectors_AreMet()
    {
        byte[] ascending = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Of(ascending));
        Assert.Equal(0x113FDB5Cu, Crc32C.Of([.. ascending.Reverse()]));
    }

    [Fact]
    public void Encode_RowsOneAfterAnother_AreARecordBatch()
    {
        StoredRecord[] rows =
        [
            Rows.Make(0, 0, "a", 1, keyId: new KeyId(Guid.NewGuid())),
            Rows.Make(3, 4095, new string('k', 1088), long.MaxValue, bytes: 0, kind: RecordKind.Tombstone),
            Rows.Make(1, 7, "c", 5) with { RequestId = Guid.NewGuid() },
        ];
        byte[] batch = [.. rows.SelectMany(RowCodec.Encode)];

        Assert.Equal(3, V1.RecordBatch.Parser.ParseFrom(batch).Rows.Count);
        List<StoredRecord> read = RowCodec.Decode(batch)!;
        Assert.Equal(Rows.Digest(rows), Rows.Digest(read));
        Assert.Equal(rows.Select(r => (r.KeyId, r.RequestId)), read.Select(r => (r.KeyId, r.RequestId)));
        Assert.Equal([true, true, false], read.Select(r => r.IsIntact));
    }

    [Theory]
    [InlineData("slot")]
    [InlineData("class")]
    [InlineData("key")]
    [InlineData("kind")]
    [InlineData("term")]
    [InlineData("digest")]
    [InlineData("key id")]
    public void Decode_FieldOutOfItsRange_IsNoBatch(string field)
    {
        V1.StoredRow row = RowCodec.ToRow(Rows.Make(0, 1, "a", 1));
        switch (field)
        {
            case "slot":
                row.Slot = 4096;
                break;
            case "class":
                row.ClassId = -1;
                break;
            case "key":
                row.Key = ByteString.CopyFrom(new byte[1089]);
                break;
            case "kind":
                row.Kind = 2;
                break;
            case "term":
                row.Term = 0;
                break;
            case "digest":
                row.Sha256 = ByteString.CopyFrom(new byte[31]);
                break;
            default:
                row.KeyId = ByteString.CopyFrom(new byte[15]);
                break;
        }

        Assert.Null(RowCodec.Decode(new V1.RecordBatch { Rows = { row } }.ToByteArray()));
    }

    [Fact]
    public void Decode_NoProtobuf_IsNoBatch() => Assert.Null(RowCodec.Decode(Encoding.UTF8.GetBytes("no batch")));
}
