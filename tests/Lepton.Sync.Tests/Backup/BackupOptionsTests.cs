using Lepton.ServiceDefaults;
using Lepton.Sync.Backup;

namespace Lepton.Sync.Tests.Backup;

/// <summary>Bad values stop the start with their key and what it takes.</summary>
public sealed class BackupOptionsTests
{
    [Fact]
    public void Validate_TheDefaults_AreFine() =>
        Assert.True(new OptionsCheck<BackupOptions>(BackupOptions.Section, BackupOptions.Faults)
            .Validate(null, new BackupOptions()).Succeeded);

    [Theory]
    [InlineData("Sync:Backup:Directory")]
    [InlineData("Sync:Backup:SecretFile")]
    [InlineData("Sync:Backup:KeepDays")]
    [InlineData("Sync:Backup:Slot")]
    [InlineData("Sync:Backup:BytesMax")]
    [InlineData("Sync:Backup:SaveInterval")]
    [InlineData("Sync:Backup:Interval")]
    public void Validate_OneWrong_NamesIt(string key)
    {
        BackupOptions options = new() { Enabled = true, Directory = "/b", SecretFile = "/s" };
        switch (key)
        {
            case "Sync:Backup:Directory":
                options.Directory = "";
                break;
            case "Sync:Backup:SecretFile":
                options.SecretFile = "";
                break;
            case "Sync:Backup:KeepDays":
                options.KeepDays = 31;
                break;
            case "Sync:Backup:Slot":
                options.Slot = "a\"b";
                break;
            case "Sync:Backup:BytesMax":
                options.BytesMax = 1;
                break;
            case "Sync:Backup:SaveInterval":
                options.SaveInterval = TimeSpan.Zero;
                break;
            default:
                options.Interval = TimeSpan.FromDays(8);
                break;
        }

        var result = new OptionsCheck<BackupOptions>(BackupOptions.Section, BackupOptions.Faults)
            .Validate(null, options);

        Assert.Contains($"{key} takes", result.FailureMessage);
    }
}
