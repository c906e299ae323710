using System.Diagnostics.Metrics;
using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Sealing;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>What sealing and erasure are told, and what they tell.</summary>
public sealed class SettingsTests : IDisposable
{
    private readonly SealingSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public void Validate_BadValues_NamesEachKeyAndWhatItTakes()
    {
        string[] faults =
        [
            .. new OptionsCheck<SealingOptions>(SealingOptions.Section, SealingOptions.Faults)
            .Validate(null, new SealingOptions
            {
                Level = 13, CiphersMax = 1, Compression = (CompressionChoice)7, Dictionaries = { ["personal"] = "xml" },
            }).Failures ?? [],
            .. new OptionsCheck<KeyOptions>(KeyOptions.Section, null)
            .Validate(null, new KeyOptions
            {
                KeysMax = 1, OldEpochDaysMax = 0, RotationDays = 0, CheckInterval = TimeSpan.Zero,
            }).Failures ?? [],
            .. new OptionsCheck<ErasureOptions>(ErasureOptions.Section, ErasureOptions.Faults)
            .Validate(null, new ErasureOptions
            {
                CallTimeMax = TimeSpan.Zero, RegionTimeMax = TimeSpan.FromHours(1),
                RetryFirst = TimeSpan.FromMinutes(1), RetryMax = TimeSpan.FromSeconds(1), SweepDelay = TimeSpan.Zero,
                OpenMax = 0, ExportsMax = 0,
            }).Failures ?? [],
        ];

        foreach (var key in new[]
        {
            "Sealing:BlindingKeyFile", "Sealing:Level", "Sealing:CiphersMax", "Sealing:Compression",
            "Sealing:Dictionaries:personal", "Keys:StoreDirectory", "Keys:ProviderDirectory", "Keys:SecretFile",
            "Keys:KeysMax", "Keys:OldEpochDaysMax", "Keys:RotationDays", "Keys:CheckInterval", "Erasure:CallTimeMax",
            "Erasure:RegionTimeMax", "Erasure:RetryMax", "Erasure:SweepDelay", "Erasure:OpenMax", "Erasure:ExportsMax",
        })
            Assert.Contains(faults, f => f.StartsWith($"Sync:{key} takes ", StringComparison.Ordinal));
        Assert.Equal(18, faults.Length);
    }
}
