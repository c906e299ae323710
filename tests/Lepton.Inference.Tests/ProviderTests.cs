using System.Diagnostics.Metrics;
using Lepton.Inference.Repository;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Inference.Tests;

/// <summary>
/// A model that asks for CUDA runs on it, or says in the log, a metric, its report and its answers that it does not.
/// </summary>
public sealed class ProviderTests
{
    private const string WantsGpu = """{"name":"m","instance_group":[{"kind":"KIND_GPU","count":2}]}""";

    [Theory]
    [InlineData("auto")]
    [InlineData("cuda")]
    [InlineData("cpu")]
    public async Task Load_ModelAsksForCuda_ProviderIsReportedAndAFallbackIsNotSilent(string nodeProvider)
    {
        using var fallbacks = new Counted("lepton.inference.provider.fallbacks");
        using var log = new Lines();
        using var pki = new TestInstallation();
        await using var router = await AgentTests.Router.StartAsync(pki);
        using var models = new TestRepository().Identity("m", "FP32", config: WantsGpu);
        await using var node = await NodeHost.StartAsync(models, new()
        {
            ["Inference:Provider"] = nodeProvider,
            ["Inference:Routers:0"] = router.Address,
        }, pki, log);

        var answer = await node.InferAsync(Messages.Request("m", ("x", "FP32", [1], new byte[4])));
        var report = (await router.UntilAsync(r => r.Models is [{ Ready: true }])).Models.Single();

        var provider = answer.Parameters["x-lepton-provider"].StringParam;
        Assert.Equal(("cuda", provider, 2U), (report.WantedProvider, report.Provider, report.Slots));
        var warned = log.Texts.Count(
            text => text.Contains("asks for CUDA and runs on the CPU", StringComparison.Ordinal));
        if (provider == "cuda")
        {
            Assert.NotEqual("cpu", nodeProvider);
            Assert.Equal((0, 0), (warned, fallbacks.Sum));
            return;
        }
        Assert.Equal("cpu", provider);
        Assert.Equal(1, warned);
        Assert.True(fallbacks.Sum >= 1);
    }

    [Fact]
    public async Task Load_ModelLeavesItOpen_TakesWhatTheNodeSays()
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models, new() { ["Inference:Provider"] = "cpu" });

        var version = node.Services.GetRequiredService<ModelRepository>().Versions.Single();

        Assert.Equal(("cpu", "cpu"), (version.WantedProvider, version.Served?.Provider));
    }

    /// <summary>The sum of a counter while this lives.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _sum;

        public Counted(string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _sum, value));
            _listener.Start();
        }

        public int Sum => (int)Interlocked.Read(ref _sum);

        public void Dispose() => _listener.Dispose();
    }

    /// <summary>Keeps what was logged.</summary>
    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly List<string> _texts = [];

        public IReadOnlyList<string> Texts
        {
            get
            {
                lock (_texts)
                    return [.. _texts];
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (_texts)
                _texts.Add(formatter(state, exception));
        }

        public void Dispose()
        {
            // The texts outlive the node.
        }
    }
}
