using Lepton.Setup.Outputs;

namespace Lepton.Eng.Tests.Outputs;

public sealed class OutputDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Fact]
    public async Task IsCurrent_AfterReplacing_UntilInputsChange()
    {
        Assert.False(new OutputDirectory(directory["tool"], "v1").IsCurrent());

        await new OutputDirectory(directory["tool"], "v1").ReplaceAsync(Fill("one"));

        Assert.True(new OutputDirectory(directory["tool"], "v1").IsCurrent());
        Assert.False(new OutputDirectory(directory["tool"], "v2").IsCurrent());
    }

    [Fact]
    public async Task Replace_FailsHalfway_KeepsTheOldFolderWhole()
    {
        await new OutputDirectory(directory["tool"], "v1").ReplaceAsync(Fill("one"));
        var next = new OutputDirectory(directory["tool"], "v2");

        await Assert.ThrowsAsync<IOException>(() => next.ReplaceAsync(async target =>
        {
            await Fill("two")(target);
            throw new IOException("disk full");
        }));

        Assert.Equal("one", await File.ReadAllTextAsync(directory["tool/content"]));
        Assert.True(new OutputDirectory(directory["tool"], "v1").IsCurrent());
        Assert.False(next.IsCurrent());
    }

    [Fact]
    public async Task Replace_AfterAnInterruptedRun_LeavesNothingOfIt()
    {
        Directory.CreateDirectory(directory[".tool.new"]);
        await File.WriteAllTextAsync(directory[".tool.new/half"], "");

        await new OutputDirectory(directory["tool"], "v1").ReplaceAsync(Fill("one"));

        Assert.False(File.Exists(directory["tool/half"]));
        Assert.Equal([directory["tool"]], Directory.EnumerateFileSystemEntries(directory.Path));
    }

    public void Dispose() => directory.Dispose();

    private static Func<string, Task> Fill(string content) =>
        target => File.WriteAllTextAsync(Path.Combine(target, "content"), content);
}
