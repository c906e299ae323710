using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Lepton.AspireHosting.Tests;

public sealed class ManifestTests : IDisposable
{
    private readonly CancellationTokenSource limit = new(RunningApplication.Limit);
    private readonly string folder = Directory.CreateTempSubdirectory("aspire-manifest-").FullName;

    public void Dispose()
    {
        limit.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Topology_CommittedManifest_IsCurrent()
    {
        string assembly = AppHostMetadata.Read(
            Assembly.GetExecutingAssembly(),
            AppHostMetadata.TargetPathPrefix + new Projects.Lepton_AppHost().ProjectPath) ?? "";
        string root = Path.GetFullPath("../..", new Projects.Lepton_AppHost().ProjectPath);
        // Paths in a manifest are relative to it, so the fresh one must lie in the same folder.
        string fresh = Path.Combine(root, $"aspire-manifest.{Guid.NewGuid():N}.json");
        try
        {
            await PublishAsync(assembly, fresh);

            Assert.True(
                await File.ReadAllTextAsync(Path.Combine(root, "aspire-manifest.json"), limit.Token)
                    == await File.ReadAllTextAsync(fresh, limit.Token),
                "aspire-manifest.json is not what the app host publishes: run Lepton.AppHost "
                + "--publisher manifest --output-path aspire-manifest.json and commit the result.");
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    [Fact]
    public async Task Model_OfEveryKind_IsWrittenAsDeploymentToolsReadIt()
    {
        JsonNode resources = await ManifestAsync(builder =>
        {
            IResourceBuilder<ParameterResource> password = builder.AddParameter("password", secret: true);
            builder.AddParameter("size", "7", publishValueAsDefault: true);
            IResourceBuilder<ProjectResource> server = builder.AddProject<Projects.Lepton_AspireHosting_Probe>("server")
                .WithHttpEndpoint();
            builder.AddContainer("store", "registry.test:5000/store:2")
                .WithVolume("data", "/data")
                .WithBindMount(Path.Combine(folder, "conf"), "/conf", isReadOnly: true)
                .WithEndpoint(port: 80, targetPort: 8080, scheme: "http", isExternal: true)
                .WithEnvironment("PASSWORD", password)
                .WithArgs("--server", server.GetEndpoint("http"));
            builder.AddExecutable("tool", "run-me", folder).WithReference(server);
            builder.AddExecutable("private", "run-me", folder).ExcludeFromManifest();
        });

        Assert.Equal(["password", "size", "server", "store", "tool"], resources.AsObject().Select(r => r.Key));
        AssertJson(
            """
            {"type":"parameter.v0","value":"{password.inputs.value}",
            "inputs":{"value":{"type":"string","secret":true}}}
            """,
            resources["password"]);
        AssertJson(
            """
            {"type":"parameter.v0","value":"{size.inputs.value}",
            "inputs":{"value":{"type":"string","default":{"value":"7"}}}}
            """,
            resources["size"]);
        Assert.Equal("project.v0", (string?)resources["server"]!["type"]);
        AssertJson(
            """{"http":{"scheme":"http","protocol":"tcp","transport":"http"}}""", resources["server"]!["bindings"]);
        AssertJson(
            """
            {"type":"container.v0","image":"registry.test:5000/store:2",
            "args":["--server","{server.bindings.http.url}"],
            "bindMounts":[{"source":"conf","target":"/conf","readOnly":true}],
            "volumes":[{"name":"data","target":"/data","readOnly":false}],
            "env":{"PASSWORD":"{password.value}"},
            "bindings":{"http":{"scheme":"http","protocol":"tcp","transport":"http",
            "port":80,"targetPort":8080,"external":true}}}
            """,
            resources["store"]);
        AssertJson(
            """
            {"type":"executable.v0","workingDirectory":".","command":"run-me","env":{
            "SERVER_HTTP":"{server.bindings.http.url}","services__server__http__0":"{server.bindings.http.url}"}}
            """,
            resources["tool"]);
    }

    [Fact]
    public async Task PublishAsDockerFile_Project_BecomesAContainerWithABuild()
    {
        JsonNode resources = await ManifestAsync(builder => builder
            .AddProject<Projects.Lepton_AspireHosting_Probe>("server")
            .WithHttpEndpoint()
            .WithArgs("--path", folder)
            .PublishAsDockerFile(container => container
                .WithDockerfile(folder, "sub/Dockerfile", "final").WithBuildArg("MODE", "fast")));

        JsonNode server = resources["server"]!;
        Assert.Equal("container.v1", (string?)server["type"]);
        AssertJson(
            """{"context":".","dockerfile":"sub/Dockerfile","stage":"final","args":{"MODE":"fast"}}""",
            server["build"]);
        Assert.Null(server["args"]);
        AssertJson(
            """{"http":{"scheme":"http","protocol":"tcp","transport":"http","targetPort":8080}}""", server["bindings"]);
        Assert.Equal("{server.bindings.http.targetPort}", (string?)server["env"]!["HTTP_PORTS"]);
    }

    private static void AssertJson(string expected, JsonNode? actual)
        => Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), actual?.ToJsonString());

    private async Task<JsonNode> ManifestAsync(Action<IDistributedApplicationBuilder> model)
    {
        string path = Path.Combine(folder, "manifest.json");
        IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(
            ["--publisher", "manifest", "--output-path", path]);
        model(builder);
        await using DistributedApplication application = builder.Build();
        await application.RunAsync(limit.Token);
        return JsonNode.Parse(await File.ReadAllTextAsync(path, limit.Token))!["resources"]!;
    }

    private async Task PublishAsync(string assembly, string path)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { assembly, "--publisher", "manifest", "--output-path", path })
            start.ArgumentList.Add(argument);
        foreach (string name in start.Environment.Keys.ToArray())
        {
            if (name.StartsWith("Lepton__", StringComparison.Ordinal))
                start.Environment.Remove(name);
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        string errors = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, await output + errors);
    }
}
