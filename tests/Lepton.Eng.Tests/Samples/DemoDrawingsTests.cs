using System.Buffers.Binary;
using Lepton.Setup;
using Lepton.Setup.Samples;

namespace Lepton.Eng.Tests.Samples;

/// <summary>The demos' documents. That their text can be read, the end-to-end tests show.</summary>
public sealed class DemoDrawingsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("finance", 720, 480)]
    [InlineData("medical", 720, 420)]
    [InlineData("logistics", 720, 480)]
    public void Draw_EachDocument_IsTheImageThatSetUpMade(string name, int width, int height)
    {
        DemoDrawings.Draw(Repository.Paths, directory.Path);

        byte[] png = File.ReadAllBytes(directory[$"{name}.png"]);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], png[..4]);
        Assert.Equal(width, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)));
        Assert.Equal(height, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
        // Another process drew it, at set-up: the same bytes.
        Assert.Equal(File.ReadAllBytes(Path.Combine(Repository.Paths.Samples, $"{name}.png")), png);
        Assert.Equal(3, Directory.GetFileSystemEntries(directory.Path).Length);
    }

    [Fact]
    public void Render_NoDrawing_SaysWhichFile()
    {
        DemoDrawings.Draw(Repository.Paths, directory.Path);
        File.WriteAllText(directory["broken.svg"], "<svg");

        var failure = Assert.Throws<SetupException>(
            () => SvgRenderer.Render(directory["broken.svg"], directory["broken.png"]));

        Assert.Contains("broken.svg", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(directory["broken.png"]));
    }
}
