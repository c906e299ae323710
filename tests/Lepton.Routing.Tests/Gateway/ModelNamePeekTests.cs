using Google.Protobuf;
using Lepton.Routing.Gateway;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class ModelNamePeekTests
{
    private static (PeekStatus, string, string) Peek(ReadOnlySpan<byte> bytes)
    {
        ModelNamePeek peek = ModelNamePeek.At(bytes, 1, 2);
        return (peek.Status, peek.Model, peek.Version);
    }

    private static ModelInferRequest Sample(Random random)
    {
        ModelInferRequest request = new()
        {
            ModelName = new string('m', random.Next(1, 40)) + (random.Next(3) == 0 ? "é漢" : ""),
            ModelVersion = random.Next(2) == 0 ? "" : random.Next(100).ToString(),
            Id = Guid.NewGuid().ToString(),
        };
        for (int i = random.Next(3); i > 0; i--)
        {
            request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "x", Datatype = "FP32",
                Shape = { 1, 3 } });
            request.RawInputContents.Add(ByteString.CopyFrom(new byte[random.Next(300)]));
        }
        return request;
    }

    [Fact]
    public void At_EveryMessage_ReadsWhatProtobufReads()
    {
        Random random = new(7);
        for (int i = 0; i < 500; i++)
        {
            ModelInferRequest request = Sample(random);
            Assert.Equal((PeekStatus.Complete, request.ModelName, request.ModelVersion), Peek(request.ToByteArray()));
        }
    }

    /// <summary>Whatever the bytes: what we accept, protobuf reads the same way or refuses.</summary>
    [Fact]
    public void At_DamagedBytes_NeverReadsOtherwiseThanProtobuf()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given)
            ? given
            : Environment.TickCount;
        Random random = new(seed);
        int accepted = 0, agreed = 0;
        for (int i = 0; i < 60_000; i++)
        {
            byte[] bytes = Damage(random, i % 5 == 0 ? Noise(random) : Sample(random).ToByteArray());
            (PeekStatus status, string model, string version) = Peek(bytes);
            if (status != PeekStatus.Complete)
                continue;
            accepted++;
            ModelInferRequest parsed;
            try
            {
                parsed = ModelInferRequest.Parser.ParseFrom(bytes);
            }
            catch (InvalidProtocolBufferException)
            {
                continue; // damage deeper down: the node refuses it
            }
            agreed++;
            Assert.True((parsed.ModelName, parsed.ModelVersion) == (model, version),
                $"read otherwise in round {i} (replay with LEPTON_SEED={seed}): {Convert.ToHexString(bytes)}");
        }
        Assert.True(accepted > 1000 && agreed > 1000, $"the fuzz says little: {accepted} accepted, {agreed} parsed");
    }

    private static byte[] Noise(Random random)
    {
        byte[] bytes = new byte[random.Next(1, 24)];
        random.NextBytes(bytes);
        for (int i = 0; i < bytes.Length; i += random.Next(1, 6))
            bytes[i] = (byte)(random.Next(1, 4) << 3 | random.Next(6)); // plausible tags
        return bytes;
    }

    private static byte[] Damage(Random random, byte[] bytes)
    {
        List<byte> list = [.. bytes];
        for (int i = random.Next(4); i > 0 && list.Count > 0; i--)
        {
            int at = random.Next(Math.Min(list.Count, 40));
            switch (random.Next(4))
            {
                case 0:
                    list[at] = (byte)random.Next(256);
                    break;
                case 1:
                    list.RemoveAt(at);
                    break;
                case 2:
                    list.Insert(at, (byte)(random.Next(2) == 0 ? 0x80 | random.Next(128) : random.Next(128)));
                    break;
                default:
                    list.AddRange([0x0A, 0x02, (byte)'x', (byte)'y']); // the name once more
                    break;
            }
        }
        return [.. list];
    }

    [Theory]
    [InlineData("0A01610A0162", "more than once")] // model_name twice
    [InlineData("120131120132", "more than once")] // model_version twice
    [InlineData("0801", "another type")] // model_name as a varint
    [InlineData("0B0C", "does not know")] // a group
    [InlineData("00", "does not know")] // field 0
    [InlineData("0E", "does not know")] // wire type 6
    [InlineData("0A01FF", "UTF-8")]
    [InlineData("8A8080808010", "damaged field tag")] // a tag beyond 32 bits
    [InlineData("0AFFFFFFFF7F", "damaged field")] // a length beyond 32 bits
    public void At_Ambiguous_IsMalformed(string hex, string fault)
    {
        ModelNamePeek peek = ModelNamePeek.At(Convert.FromHexString(hex), 1, 2);
        Assert.Equal(PeekStatus.Malformed, peek.Status);
        Assert.Contains(fault, peek.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void At_Beginning_IsIncompleteAndKnowsTheNameOnceItCame()
    {
        byte[] bytes = new ModelInferRequest { ModelName = "ocr",
            RawInputContents = { ByteString.CopyFrom(new byte[50]) } }
            .ToByteArray();
        for (int length = 1; length < bytes.Length; length++)
        {
            (PeekStatus status, string model, _) = Peek(bytes.AsSpan(0, length));
            Assert.Equal(length == 5 ? PeekStatus.Complete : PeekStatus.Incomplete, status);
            Assert.Equal(length >= 5 ? "ocr" : "", model);
        }
    }

    [Theory]
    [InlineData("1S", 1_000)]
    [InlineData("99999999m", 99_999_999)]
    [InlineData("2M", 120_000)]
    [InlineData("1H", 3_600_000)]
    public void GrpcTimeout_Text_Parses(string text, double milliseconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out TimeSpan timeout));
        Assert.Equal(milliseconds, timeout.TotalMilliseconds);
        Assert.True(GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out TimeSpan again));
        Assert.Equal(timeout, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("-1S")]
    [InlineData("123456789S")]
    [InlineData("1 S")]
    public void GrpcTimeout_BadText_DoesNot(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));
}
