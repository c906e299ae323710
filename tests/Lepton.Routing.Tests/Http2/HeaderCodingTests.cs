using System.Text;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Tests.Http2;

/// <summary>HPACK, by the examples of RFC 7541 and by chance.</summary>
public sealed class HeaderCodingTests
{
    [Theory]
    [InlineData("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com")]
    [InlineData("a8eb10649cbf", "no-cache")]
    [InlineData("25a849e95ba97d7f", "custom-key")]
    [InlineData("25a849e95bb8e8b4bf", "custom-value")]
    [InlineData("6402", "302")]
    [InlineData("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT")]
    [InlineData("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1")]
    public void Decode_ExampleOfTheStandard_IsItsText(string coded, string text)
    {
        byte[] to = new byte[100];
        int length = Huffman.Decode(Convert.FromHexString(coded), to);
        Assert.Equal(text, Encoding.ASCII.GetString(to, 0, length));
    }

    [Theory]
    [InlineData("ff")] // a whole octet of padding
    [InlineData("f1e3c2e5f23a6ba0ab90f4fe")] // padded by a zero
    [InlineData("ffffffff")] // EOS
    public void Decode_BadPadding_IsRefused(string coded) =>
        Assert.Equal(-1, Huffman.Decode(Convert.FromHexString(coded), new byte[100]));

    [Fact]
    public void Decode_CodedResponse_HasTheStandardsFields()
    {
        // C.6.1 of RFC 7541, its fields without indexing.
        FieldList fields = new HeaderDecoder().Decode(Convert.FromHexString(
            "08826402" + "0f0985aec3771a4b" + "0f1296d07abe941054d444a8200595040b8166e082a62d1bff"))!;
        Assert.Equal((302, "private", "Mon, 21 Oct 2013 20:13:21 GMT"),
            (fields.Status, fields.Find("cache-control"), fields.Find("date")));
    }

    [Fact]
    public void HeaderBlock_AnyFields_AreReadBackTheSame()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        HeaderDecoder decoder = new();
        for (int round = 0; round < 500; round++)
        {
            HeaderBlock block = new();
            block.Add(8);
            List<(string, string)> expected = [];
            for (int i = random.Next(8); i > 0; i--)
            {
                (string name, string value) = ($"X-Name-{random.Next(5)}", new string('v', random.Next(2000)));
                block.Add(name, value);
                expected.Add((name.ToLowerInvariant(), value));
            }
            FieldList fields = decoder.Decode(block.Bytes)!;
            Assert.True(expected.SequenceEqual(Enumerable.Range(0, fields.Count).Select(i => fields[i])),
                $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void Decode_RandomBytes_AreFieldsOrRefused()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        HeaderDecoder decoder = new();
        byte[] block = new byte[200];
        for (int round = 0; round < 20_000; round++)
            try
            {
                Span<byte> part = block.AsSpan(0, random.Next(block.Length));
                random.NextBytes(part);
                decoder.Decode(part);
            }
            catch (Http2Exception)
            {
                // Refused.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }
    }
}
