using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Sealing;
using Lepton.Sync.Sealing.Dictionaries;
using Lepton.Testing;
using Microsoft.Extensions.Options;
using Xunit.Abstractions;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>S3, S7: dictionaries are of synthetic data only, are the same everywhere, and are worth it.</summary>
public sealed class DictionaryTests(ITestOutputHelper output)
{
    // Files are written anew with LEPTON_TRAIN_DICTIONARIES=1: for a new number only, see DictionarySet.
    // The libzstd that the committed files were trained with, and from which seeds. Another version may train others.
    private const uint TrainedWith = 10504;
    private static readonly (string Name, int Seed)[] Trained = [("json", 1), ("text", 2), ("binary", 3)];

    [Fact]
    public void Train_SameSeed_IsTheCommittedFile()
    {
        Assert.True(Zstd.IsThere, "libzstd.so.1 is not installed.");
        foreach (var (name, seed) in Trained)
        {
            var bytes = SyntheticRecords.Train(name, seed);
            output.WriteLine($"{name}: {bytes.Length} bytes, {Convert.ToHexStringLower(SHA256.HashData(bytes))}");
            var file = MetricList.RepositoryFile($"services/Lepton.Sync/Sealing/Dictionaries/{name}-1.zdict");
            if (Environment.GetEnvironmentVariable("LEPTON_TRAIN_DICTIONARIES") == "1")
                File.WriteAllBytes(file, bytes);
            Assert.Equal(
                Zstd.Version == TrainedWith ? File.ReadAllBytes(file) : SyntheticRecords.Train(name, seed), bytes);
        }
    }

    [Theory]
    [InlineData("json", 1.3)]
    [InlineData("text", 1.1)]
    [InlineData("binary", 1.2)]
    public void Compress_RecordsOfOtherSeeds_AreSmallerThanWithoutADictionary(string name, double gain)
    {
        BodyCodec with = new(Options.Create(new SealingOptions()));
        BodyCodec without = new(Options.Create(new SealingOptions { Dictionaries = { ["plain"] = "none" } }));
        Random chance = new(1234);
        long plain = 0, small = 0, alone = 0;
        var to = new byte[BodyCodec.PayloadBytesMax];
        for (var i = 0; i < 300; i++)
        {
            var record = SyntheticRecords.Sample(name, chance);
            plain += record.Length;
            var length = with.Compress("plain", record, record, to, out var how, out var dictionary);
            small += how == Compression.None ? record.Length : length;
            if (how == Compression.Zstd)
                Assert.Equal(record, with.Decompress(how, dictionary, to.AsSpan(0, length)));
            length = without.Compress("plain", record, record, to, out how, out dictionary);
            Assert.Equal(0, dictionary);
            alone += how == Compression.None ? record.Length : length;
        }

        output.WriteLine($"{name}: {plain} bytes, {(double)plain / small:F2} with, {(double)plain / alone:F2} without");
        Assert.True(alone > small * gain, $"{alone} without, {small} with a dictionary");
    }

    [Theory]
    [InlineData("""{"a":1}""", "json")]
    [InlineData("[1]", "json")]
    [InlineData("ordinary text\nof lines", "text")]
    [InlineData("", "text")]
    [InlineData("\u0001\u0002", "binary")]
    public void For_ValuesByTheirLook_ChoosesOne(string value, string expected) =>
        Assert.Equal(DictionarySet.Named(expected), DictionarySet.For(Encoding.UTF8.GetBytes(value)));
}
