using Lepton.ServiceDefaults;
using Lepton.Sync.Replication;
using Lepton.Sync.Tests.Replication.World;

namespace Lepton.Sync.Tests.Replication;

/// <summary>A bad value stops the start with its name and what it takes.</summary>
public sealed class ReplicationOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreGood() => Assert.True(
        new OptionsCheck<ReplicationOptions>(ReplicationOptions.Section, ReplicationOptions.Faults)
            .Validate(null, new ReplicationOptions { SpoolDirectory = "spool" }).Succeeded);

    [Theory]
    [InlineData("SpoolDirectory")]
    [InlineData("Slot")]
    [InlineData("SpoolBytesMax")]
    [InlineData("HeartbeatInterval")]
    public void Validate_BadValue_NamesItsKey(string key)
    {
        ReplicationOptions options = Parts.Options();
        switch (key)
        {
            case "SpoolDirectory":
                options.SpoolDirectory = "";
                break;
            case "Slot":
                options.Slot = "Not a slot";
                break;
            case "SpoolBytesMax":
                options.SpoolBytesMax = 3 * options.SegmentBytesMax;
                options.SpoolBytesMax = Math.Max(options.SpoolBytesMax, 64 << 10) - 1;
                break;
            default:
                options.HeartbeatInterval = TimeSpan.FromSeconds(2);
                break;
        }

        Assert.Contains($"Sync:Replication:{key} takes",
            new OptionsCheck<ReplicationOptions>(ReplicationOptions.Section, ReplicationOptions.Faults)
                .Validate(null, options).FailureMessage, StringComparison.Ordinal);
    }
}
