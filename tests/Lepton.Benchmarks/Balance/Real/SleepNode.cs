using System.Globalization;
using Lepton.Inference;
using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>
/// The inference service as its own program has it, with one backend more and a way as long as the scenario says: this
/// process's <c>bench balance --node MILLISECONDS</c>, told the rest by environment variables as any node is.
/// </summary>
internal static class SleepNode
{
    internal static int Run(string roundTripMilliseconds)
    {
        TimeSpan way = TimeSpan.FromMilliseconds(
            double.Parse(roundTripMilliseconds, CultureInfo.InvariantCulture) / 2);
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddServiceDefaults("inference");
        builder.AddInference();
        builder.Services.AddSingleton<IModelBackend, SleepBackend>();
        WebApplication app = builder.Build();
        TimeProvider time = app.Services.GetRequiredService<TimeProvider>();
        // There and back; health checks too, since by those a router measures the way.
        app.Use(async (context, next) =>
        {
            await Task.Delay(way, time, context.RequestAborted);
            await next(context);
            await Task.Delay(way, time, context.RequestAborted);
        });
        app.MapServiceDefaults(NodeAccess.Rules, GRPCInferenceService.Descriptor);
        app.MapInference();
        // The bench holds the other end of stdin: when it ends, however it ends, so does this.
        _ = Task.Run(async () =>
        {
            await Console.In.ReadToEndAsync();
            await app.StopAsync();
        });
        app.Run();
        return 0;
    }
}
