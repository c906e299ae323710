using Lepton.Inference.Repository;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Inference.Tests;

/// <summary>One node for the tests that only ask: an identity model of every type, and the real models.</summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private readonly TestRepository _models = new();
    private NodeHost? _node;

    internal NodeHost Node => _node ?? throw new InvalidOperationException("not started");

    internal ModelRepository Repository => Node.Services.GetRequiredService<ModelRepository>();

    public async Task InitializeAsync()
    {
        foreach (var type in TestRepository.Types.Keys)
            _models.Identity($"id_{type}", type);
        _models.Sum("sum").Installed("ocr", "ocr_det", "ocr_cls", "ocr_rec", "language-id", "lande", "silero_vad");
        _node = await NodeHost.StartAsync(_models);
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        _models.Dispose();
    }
}

[CollectionDefinition("node")]
public sealed class NodeCollection : ICollectionFixture<NodeFixture>;
