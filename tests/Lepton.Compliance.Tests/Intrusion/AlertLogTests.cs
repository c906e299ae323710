using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

public sealed class AlertLogTests
{
    private readonly AlertLog _log = new(4, TimeProvider.System);

    private static Alert Alert(
        ulong number, long count = 1, string tenant = "demo", string region = "eu-west") => new()
    {
        Number = number, Rule = "spraying", Severity = AlertSeverity.Low, Subject = "own/x", Principal = "own/x",
        Tenant = tenant, Region = region, FirstTime = default, LastTime = default, Count = count, Detail = "",
        Events = [],
    };

    private string After(ulong sequence, int max = 100, AlertScope? scope = null)
    {
        AlertChanges got = _log.After(sequence, max, scope ?? AlertScope.All);
        return string.Join(' ', got.Changes.Select(c => $"{c.Sequence}:{c.Alert.Number}x{c.Alert.Count}"))
            + $" >{got.Through}" + (got.Gap ? " gap" : "");
    }

    [Fact]
    public void After_ChangedAlerts_ComeOnceAsTheyAre()
    {
        _log.Put(Alert(1));
        _log.Put(Alert(2));
        _log.Put(Alert(1, count: 2));
        _log.Put(Alert(3));

        Assert.Equal("2:2x1 3:1x2 4:3x1 >4", After(0));
        Assert.Equal("3:1x2 4:3x1 >4", After(2));
        Assert.Equal("2:2x1 >2", After(0, max: 1));
        Assert.Equal(" >4", After(4));
    }

    [Fact]
    public void After_MoreThanIsKept_SaysThereIsAGap()
    {
        for (ulong i = 1; i <= 6; i++)
            _log.Put(Alert(i));

        Assert.Equal("3:3x1 4:4x1 5:5x1 6:6x1 >6 gap", After(1));
        Assert.Equal("3:3x1 4:4x1 5:5x1 6:6x1 >6", After(2)); // 1 and 2 are gone, and were told
        _log.Put(Alert(3, count: 2)); // changes: nobody goes for it
        Assert.Equal("4:4x1 5:5x1 6:6x1 7:3x2 >7", After(3));
    }

    [Fact]
    public void After_OtherTenantsAndRegions_AreNotSeenAndNotWaitedFor()
    {
        _log.Put(Alert(1, tenant: "bank"));
        _log.Put(Alert(2));
        _log.Put(Alert(3, region: "us-east"));
        _log.Put(Alert(4) with { Principal = "", Tenant = "" });

        Assert.Equal("2:2x1 3:3x1 >4", After(0, scope: new AlertScope("demo", null)));
        Assert.Equal("3:3x1 >4", After(0, scope: new AlertScope(null, r => r == "us-east")));
        Assert.Equal(" >4", After(0, scope: new AlertScope("", null)));
    }

    [Fact]
    public async Task WaitAsync_Change_EndsIt()
    {
        Task wait = _log.WaitAsync(0, CancellationToken.None);
        Assert.False(wait.IsCompleted);

        _log.Put(Alert(1));

        await wait.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(_log.WaitAsync(0, CancellationToken.None).IsCompleted);
        using CancellationTokenSource cancel = new();
        Task cancelled = _log.WaitAsync(1, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
    }
}
