using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lepton.Setup.Models;

/// <summary>
/// Writes models into a repository folder: only what differs, each file by rename, never half a file.
/// </summary>
internal sealed class RepositoryFolder(string directory)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public void Onnx(string name, string source, byte[] model)
    {
        Write($"{name}/1/model.onnx", model);
        Config(name, backend: "onnxruntime", platform: "onnxruntime_onnx", new() { ["source"] = source });
    }

    /// <summary>A model that is a chain of others; the folder of its version may hold its tables.</summary>
    public void Pipeline(string name, Dictionary<string, string> parameters)
    {
        Directory.CreateDirectory(Path.Combine(directory, name, "1"));
        Config(name, backend: "lepton", platform: "ensemble", parameters, instances: 2);
    }

    public void WriteText(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text + "\n"));

    public void Write(string path, byte[] content)
    {
        var file = Path.Combine(directory, path);
        if (File.Exists(file) && content.AsSpan().SequenceEqual(File.ReadAllBytes(file)))
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(file) ?? directory);
        var temporary = $"{file}.{Environment.ProcessId}.tmp";
        File.WriteAllBytes(temporary, content);
        File.Move(temporary, file, overwrite: true);
    }

    /// <summary>
    /// protobuf-JSON of inference.ModelConfig; inputs and outputs are left out: the node reads them from the model.
    /// </summary>
    private void Config(string name, string backend, string platform, Dictionary<string, string> parameters,
        int instances = 1) =>
        WriteText($"{name}/config.json", JsonSerializer.Serialize(new
        {
            name,
            platform,
            backend,
            instanceGroup = new[] { new { kind = "KIND_AUTO", count = instances } },
            parameters = parameters.ToDictionary(p => p.Key, p => new { stringValue = p.Value }),
        }, Json));
}
