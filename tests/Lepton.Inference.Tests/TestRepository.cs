using Lepton.Setup.Models;

namespace Lepton.Inference.Tests;

/// <summary>A model repository of a test's own: tiny models made on the spot, and the real ones by link.</summary>
internal sealed class TestRepository : IDisposable
{
    /// <summary>Every element type under the protocol's name.</summary>
    public static readonly IReadOnlyDictionary<string, OnnxType> Types = new Dictionary<string, OnnxType>
    {
        ["BOOL"] = OnnxType.Bool,
        ["UINT8"] = OnnxType.UInt8,
        ["UINT16"] = OnnxType.UInt16,
        ["UINT32"] = OnnxType.UInt32,
        ["UINT64"] = OnnxType.UInt64,
        ["INT8"] = OnnxType.Int8,
        ["INT16"] = OnnxType.Int16,
        ["INT32"] = OnnxType.Int32,
        ["INT64"] = OnnxType.Int64,
        ["FP16"] = OnnxType.Float16,
        ["BF16"] = OnnxType.BFloat16,
        ["FP32"] = OnnxType.Float,
        ["FP64"] = OnnxType.Double,
        ["BYTES"] = OnnxType.String,
    };

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("lepton-models-").FullName;

    /// <summary>y = x of any length.</summary>
    public TestRepository Identity(string name, string datatype, int version = 1, string? config = null)
    {
        var model = new OnnxGraph(name, opset: 16)
            .Input("x", Types[datatype], "n").Node("Identity", ["x"], ["y"]).Output("y", Types[datatype], "n")
                .ToModel();
        return Add(name, model, version, config);
    }

    /// <summary>y = a + b over [batch, 3], and z = a.</summary>
    public TestRepository Sum(string name) => Add(name, new OnnxGraph(name, opset: 16)
        .Input("a", OnnxType.Float, "batch", "3").Input("b", OnnxType.Float, "batch", "3")
        .Node("Add", ["a", "b"], ["y"]).Node("Identity", ["a"], ["z"])
        .Output("y", OnnxType.Float, "batch", "3").Output("z", OnnxType.Float, "batch", "3").ToModel());

    /// <summary>A chain of multiplications of a square matrix with itself: as slow as its side makes it.</summary>
    public TestRepository Slow(string name, string? config = null)
    {
        const int steps = 400;
        var graph = new OnnxGraph(name, opset: 16).Input("x", OnnxType.Float, "n", "n");
        for (var i = 0; i < steps; i++)
            graph.Node("MatMul", ["x", i == 0 ? "x" : $"t{i}"], [i == steps - 1 ? "y" : $"t{i + 1}"]);
        return Add(name, graph.Output("y", OnnxType.Float, "n", "n").ToModel(), config: config);
    }

    public TestRepository Add(string name, byte[] model, int version = 1, string? config = null)
    {
        var folder = System.IO.Directory.CreateDirectory(Path.Combine(Directory, name, $"{version}"));
        File.WriteAllBytes(Path.Combine(folder.FullName, "model.onnx"), model);
        if (config is not null)
            File.WriteAllText(Path.Combine(Directory, name, "config.json"), config);
        return this;
    }

    /// <summary>Models that set-up made.</summary>
    public TestRepository Installed(params string[] names)
    {
        foreach (var name in names)
            System.IO.Directory.CreateSymbolicLink(
                Path.Combine(Directory, name), Path.Combine(InstalledModels.Directory, name));
        return this;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
