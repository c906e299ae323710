using System.Globalization;
using Google.Protobuf;
using Lepton.Inference.V1;
using OpenInference;

namespace Lepton.Inference.Repository;

/// <summary>
/// One model's folder in Triton's layout: <c>NAME/config.json</c> (optional) and <c>NAME/VERSION/model.onnx</c>.
/// </summary>
internal sealed class ModelFolder(string root, string name)
{
    private const string DefaultFile = "model.onnx";
    private static readonly JsonParser Json = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));

    public string Name { get; } = name;

    public string Directory { get; } = Path.Combine(root, name);

    /// <summary>The folders of a repository, by name. A name that could not be a model's is no model.</summary>
    public static IReadOnlyList<ModelFolder> List(string root) =>
        [.. System.IO.Directory.EnumerateDirectories(root).Select(Path.GetFileName).OfType<string>()
            .Where(IsName).Order(StringComparer.Ordinal).Select(name => new ModelFolder(root, name))];

    /// <summary>Null when there is no such folder. A name with a path in it is no name.</summary>
    public static ModelFolder? Find(string root, string name) =>
        IsName(name) && System.IO.Directory.Exists(Path.Combine(root, name)) ? new ModelFolder(root, name) : null;

    /// <summary>Ascending: the last is the latest.</summary>
    public IReadOnlyList<long> Versions() =>
        [.. System.IO.Directory.EnumerateDirectories(Directory)
            .Select(path => Number(Path.GetFileName(path))).Where(version => version > 0).Order()];

    /// <summary>The configuration file, or what stands for it when there is none.</summary>
    public ModelConfig ReadConfig()
    {
        var path = Path.Combine(Directory, "config.json");
        return File.Exists(path) ? ParseConfig(File.ReadAllText(path)) : new ModelConfig { Name = Name };
    }

    /// <exception cref="InferenceRefusal">It is not a configuration of this model.</exception>
    public ModelConfig ParseConfig(string json)
    {
        try
        {
            var config = Json.Parse<ModelConfig>(json);
            if (config.Name is not "" && config.Name != Name)
                throw LoadFailed($"its configuration is named '{config.Name}'");
            config.Name = Name;
            return config;
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw LoadFailed($"its configuration is not a ModelConfig in protobuf's JSON: {error.Message}");
        }
    }

    /// <summary>The versions that the configuration's policy serves; Triton's default is the latest one.</summary>
    public IReadOnlyList<long> Served(ModelConfig config)
    {
        var versions = Versions();
        return config.VersionPolicy?.PolicyChoiceCase switch
        {
            ModelVersionPolicy.PolicyChoiceOneofCase.All => versions,
            ModelVersionPolicy.PolicyChoiceOneofCase.Specific =>
                [.. versions.Where(config.VersionPolicy.Specific.Versions.Contains)],
            ModelVersionPolicy.PolicyChoiceOneofCase.Latest =>
                [.. versions.TakeLast((int)Math.Max(1, config.VersionPolicy.Latest.NumVersions))],
            _ => [.. versions.TakeLast(1)],
        };
    }

    public string ModelFile(ModelConfig config, long version)
    {
        var file = config.DefaultModelFilename is "" ? DefaultFile : config.DefaultModelFilename;
        if (file != Path.GetFileName(file))
            throw LoadFailed($"default_model_filename '{file}' is not a file name");
        var path = Path.Combine(VersionDirectory(version), file);
        return File.Exists(path) ? path : throw LoadFailed($"version {version} has no file {file}");
    }

    public string VersionDirectory(long version) =>
        Path.Combine(Directory, version.ToString(CultureInfo.InvariantCulture));

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    private InferenceRefusal LoadFailed(string why) =>
        new(ErrorReason.ModelLoadFailed, $"model '{Name}' can't be loaded: {why}");

    private static bool IsName(string name) =>
        name is { Length: > 0 and <= 200 } && name[0] != '.'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
