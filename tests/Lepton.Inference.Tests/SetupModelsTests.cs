using Lepton.Inference.Tensors;
using Lepton.Setup.Models;
using Microsoft.ML.OnnxRuntime;

namespace Lepton.Inference.Tests;

/// <summary>The encoder and the conversion that set-up makes the model repository with.</summary>
public sealed class SetupModelsTests
{
    private const string Network = """
        export default {"layers":[{"type":"input","sx":1,"sy":1,"sz":2},
          {"type":"dense","filters":1,"_biases":"12|fw==","_filters":["12|gX0="]},{"type":"relu"},{"type":"softmax"}]};
        """;

    [Fact]
    public void ToOnnx_SmallNetwork_ComputesIt()
    {
        // Bias (127 − 127) / 2 = 0, weights (129 − 127) / 2 = 1 and −1; softmax of one value is 1.
        using var session = new InferenceSession(LandePackage.ToOnnx(Network));
        using var input = OrtValue.CreateTensorValueFromMemory([3f, 1f, 1f, 3f], [2, 2]);
        using var options = new RunOptions();
        using var output = session.Run(options, ["ngrams"], [input], ["probs"]);

        Assert.Equal([1f, 1f], output[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal([2L, 1], output[0].GetTensorTypeAndShape().Shape);
    }

    [Theory]
    [InlineData("module.exports = {}")]
    [InlineData("""export default {"layers":[{"type":"input","sz":2},{"type":"conv"}]};""")]
    [InlineData("""export default {"layers":[{"type":"input","sz":2},{"type":"dense","_filters":["4AAAA"]}]};""")]
    public void ToOnnx_AnotherForm_IsAnErrorAndNotAWrongModel(string module) =>
        Assert.Throws<InvalidDataException>(() => LandePackage.ToOnnx(module));

    [Fact]
    public void Write_SameContent_LeavesTheFileAlone()
    {
        var directory = Directory.CreateTempSubdirectory("lepton-setup-").FullName;
        try
        {
            var folder = new RepositoryFolder(directory);
            folder.Onnx("m", "test", [1, 2, 3]);
            var file = Path.Combine(directory, "m", "1", "model.onnx");
            var written = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
            File.SetLastWriteTimeUtc(file, written);

            folder.Onnx("m", "test", [1, 2, 3]);
            var same = File.GetLastWriteTimeUtc(file);
            folder.Onnx("m", "test", [1, 2, 4]);

            Assert.Equal(written, same);
            Assert.NotEqual(written, File.GetLastWriteTimeUtc(file));
            Assert.Equal(2, Directory.GetFiles(directory, "*", SearchOption.AllDirectories).Length);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void TensorTypes_OfTheProtocol_AreThoseOfTheEncoder() =>
        Assert.Equal(TensorType.All.Select(type => type.Name).Order(), TestRepository.Types.Keys.Order());
}
