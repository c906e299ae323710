using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Client;

/// <summary>Keeps control data that depends on the day true: looks every minute for another value.</summary>
public static class ControlDay
{
    /// <summary>The service that does so; add it as a hosted one.</summary>
    /// <param name="record">What is followed.</param>
    /// <param name="today">Its value today; the same where nothing changes.</param>
    /// <param name="services">The host's: its clock and log.</param>
    public static IHostedService Of<T>(ControlRecord<T> record, Func<T, T> today, IServiceProvider services)
        where T : class => new Watch<T>(record, today, services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILoggerFactory>().CreateLogger("Lepton.Sync.Client.ControlDay"));

    private sealed class Watch<T>(ControlRecord<T> record, Func<T, T> today, TimeProvider time, ILogger logger)
        : BackgroundService
        where T : class
    {
        private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            using PeriodicTimer timer = new(Interval, time);
            do
            {
                if (record.Refresh(today))
                    DayLog.Changed(logger, record.Key, record.Version);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
    }
}

internal static partial class DayLog
{
    [LoggerMessage(LogLevel.Information,
        "{Key}, version {Version}: something in it begins or ends to hold today; it was compiled anew.")]
    public static partial void Changed(ILogger logger, string key, long version);
}
