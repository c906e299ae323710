using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Platform;

public sealed class PlatformFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lepton-platform-").FullName;
    private readonly List<string> warnings = [];

    private string FilePath => Path.Combine(folder, "platform.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Write_Secrets_AreForTheOwnerOnly()
    {
        File.WriteAllText(FilePath, "an older one, readable by all");
        File.SetUnixFileMode(FilePath, (UnixFileMode)Convert.ToInt32("644", 8));

        TestPlatform.Create(new ProcessId(1, 2), "ca.crt", ("eu-west", "https://127.0.0.1:1")).Write(FilePath);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(folder));
    }

    [Fact]
    public void Read_Written_IsTheSame()
    {
        PlatformFile written = TestPlatform.Create(
            new ProcessId(7, 99), "ca.crt", ("eu-west", "https://127.0.0.1:1"), ("us-east", "https://127.0.0.1:2"));
        written.Write(FilePath);

        PlatformFile read = PlatformFile.Read(FilePath, warnings.Add)!;

        Assert.Equal(written.AppHost, read.AppHost);
        Assert.Equal(written.Dashboard, read.Dashboard);
        Assert.Equal(["eu-west", "us-east"], read.Regions.Select(r => r.Name));
        Assert.Equal("https://127.0.0.1:2", read.Region("us-east").GatewayUrl);
        Assert.Equal("eu-west", read.Region(null).Name);
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{ \"instance\": \"x\"")]
    [InlineData("{}")]
    public void Read_Damaged_IsNoneAndSaidSo(string content)
    {
        File.WriteAllText(FilePath, content);

        Assert.Null(PlatformFile.Read(FilePath, warnings.Add));
        Assert.Contains("damaged", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Absent_IsNone()
    {
        Assert.Null(PlatformFile.Read(FilePath, warnings.Add));
        Assert.Empty(warnings);
    }
}
