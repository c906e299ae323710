using System.Diagnostics.Metrics;
using System.Net;
using Lepton.Identity.Passwords;
using Lepton.Identity.Requests;
using Lepton.Identity.Tests.World;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Identity.Tests;

/// <summary>C1, C6: wrong passwords lead to growing waits, and tell nothing.</summary>
[Collection("postgres")]
public sealed class LogInTests(IdentityServer server) : IAsyncLifetime
{
    private readonly Recorder _recorder = new();
    private TestSite? _site;
    private TestAuthority? _authority;

    private TestAuthority Authority => _authority ?? throw new InvalidOperationException("not started");

    private LogIn LogIn => Authority.Services.GetRequiredService<LogIn>();

    public async Task InitializeAsync()
    {
        _site = await TestSite.CreateAsync(server);
        _authority = await TestAuthority.StartAsync(
            _site, change: services => services.AddSingleton<IAuthenticationLog>(_recorder));
    }

    public async Task DisposeAsync()
    {
        if (_authority is not null)
            await _authority.DisposeAsync();
        _site?.Dispose();
    }

    [Theory]
    [InlineData("ada")]
    [InlineData("nobody")] // who is not there is treated alike
    public async Task Try_WrongPasswords_WaitsGrow(string name)
    {
        for (var i = 1; i <= 5; i++)
            Assert.Equal(i == 5, Assert.IsType<LogInOutcome.Wrong>(await TryAsync(name, "wrong")).Locked);
        // The right password is not even compared.
        Assert.Equal(30, Assert.IsType<LogInOutcome.Blocked>(await TryAsync(name)).Wait.TotalSeconds, 0.01);
        foreach (var wait in new[] { 60, 120, 240, 480, 900, 900 })
        {
            Authority.Time.Advance(Assert.IsType<LogInOutcome.Blocked>(await TryAsync(name)).Wait
                + TimeSpan.FromMilliseconds(1));
            Assert.True(Assert.IsType<LogInOutcome.Wrong>(await TryAsync(name, "wrong")).Locked);
            Assert.Equal(wait, Assert.IsType<LogInOutcome.Blocked>(await TryAsync(name)).Wait.TotalSeconds, 0.01);
        }
    }

    [Fact]
    public async Task Try_RightPasswordAfterTheWait_BeginsAnew()
    {
        for (var i = 0; i < 5; i++)
            await TryAsync("ada", "wrong");
        Authority.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.IsType<LogInOutcome.Accepted>(await TryAsync("ada"));
        for (var i = 0; i < 4; i++)
            Assert.False(Assert.IsType<LogInOutcome.Wrong>(await TryAsync("ada", "wrong")).Locked);
        Assert.IsType<LogInOutcome.Accepted>(await TryAsync("ada"));
    }

    [Fact]
    public async Task Try_ManyAtOnce_NoneGetsPastTheLimit()
    {
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var other = second.Services.GetRequiredService<LogIn>();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            (i % 2 == 0 ? LogIn : other).TryAsync("ada", "wrong", CancellationToken.None)));

        Assert.Equal(5, outcomes.Count(o => o is LogInOutcome.Wrong));
        Assert.Equal(7, outcomes.Count(o => o is LogInOutcome.Blocked));
    }

    [Fact]
    public async Task Try_LongAgo_IsForgotten()
    {
        for (var i = 0; i < 4; i++)
            await TryAsync("ada", "wrong");
        Authority.Time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));
        Assert.False(Assert.IsType<LogInOutcome.Wrong>(await TryAsync("ada", "wrong")).Locked);
        Authority.Time.Advance(TimeSpan.FromDays(2));
        await Sweeping.SweepAsync(Authority);
        Assert.Equal(0, await Authority.InDatabaseAsync(d => d.LogInTries.CountAsync()));
    }

    [Fact]
    public async Task Try_NobodysName_CostsAHash()
    {
        var hashes = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "lepton.identity.hash.duration")
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref hashes));
        listener.Start();

        Assert.Null(Assert.IsType<LogInOutcome.Wrong>(await TryAsync("nobody", TestSite.Password)).KnownName);
        Assert.Equal(1, hashes);
        Assert.Equal("ada", Assert.IsType<LogInOutcome.Wrong>(await TryAsync("ada", "wrong")).KnownName);
        Assert.Equal(2, hashes);
    }

    [Fact]
    public async Task Page_Blocked_SaysHowLong()
    {
        for (var i = 0; i < 5; i++)
            await TryAsync("ada", "wrong");
        var person = new Person(Authority);
        var answer = await person.SubmitAsync((await person.BeginAsync())["user_code"], "ada", TestSite.Password);

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status);
        Assert.Equal(TimeSpan.FromSeconds(30), answer.Headers.RetryAfter?.Delta);
        Assert.Equal((AuthenticationOutcome.Failure, "locked_out"), (_recorder.Last.Outcome, _recorder.Last.Reason));
    }

    [Fact]
    public async Task Log_EveryOutcome_IsRecordedWithoutWhatWasTyped()
    {
        var person = new Person(Authority);
        var code = (await person.BeginAsync())["user_code"];
        await person.SubmitAsync(code, "ada", "wrong");
        Assert.Equal(("ada", AuthenticationOutcome.Failure, "password"),
            (_recorder.Last.Principal, _recorder.Last.Outcome, _recorder.Last.Reason));
        await person.SubmitAsync(code, "my-secret-in-the-wrong-field", "wrong");
        Assert.Equal(("", AuthenticationOutcome.Failure), (_recorder.Last.Principal, _recorder.Last.Outcome));
        await person.LogInAsync();
        Assert.Equal(("ada", "lepton-cli", "acme", "127.0.0.1", AuthenticationOutcome.Success),
            (_recorder.Last.Principal, _recorder.Last.Client, _recorder.Last.Tenant, _recorder.Last.Address,
                _recorder.Last.Outcome));
        await Authority.ProgramTokenAsync();
        Assert.Equal(("batch", "private_key_jwt"), (_recorder.Last.Principal, _recorder.Last.Reason));
        await Authority.PostAsync("/token", ("grant_type", "client_credentials"), ("client_id", "device-7"));
        Assert.Equal(("device-7", "acme", "no_certificate"),
            (_recorder.Last.Principal, _recorder.Last.Tenant, _recorder.Last.Reason));
    }

    [Fact]
    public async Task Try_OldParameters_AreRaised()
    {
        const string password = "an older password";
        var weak = PasswordHash.Create(password, new PasswordOptions { MemoryKiB = 1024, Iterations = 1 }).ToString();
        Authority.Site.Seed(users: [new { name = "ada", tenant = "acme", passwordHash = weak }]);
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        Assert.IsType<LogInOutcome.Accepted>(await TryAsync("ada", password));

        var raised = await Authority.InDatabaseAsync(d => d.Users.Select(u => u.PasswordHash).SingleAsync());
        Assert.StartsWith("$argon2id$v=19$m=19456,t=2,p=1$", raised);
        Assert.IsType<LogInOutcome.Accepted>(await TryAsync("ada", password));
        // The seed file still has the weak one: that is not a new password.
        await using var third = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        Assert.Equal(raised, await Authority.InDatabaseAsync(d => d.Users.Select(u => u.PasswordHash).SingleAsync()));
    }

    [Fact]
    public async Task Try_MoreThanMayWait_AreAskedToComeAgainAndNotCounted()
    {
        Authority.Site.Options["Identity:Password:HashesMax"] = "1";
        Authority.Site.Options["Identity:Password:WaitersMax"] = "0";
        await using var narrow = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var hasher = narrow.Services.GetRequiredService<PasswordHasher>();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            hasher.MatchesAsync(null, "x", CancellationToken.None)));

        Assert.Contains(outcomes, o => o == false);
        Assert.Contains(outcomes, o => o is null);
        Assert.IsType<LogInOutcome.Accepted>(
            await narrow.Services.GetRequiredService<LogIn>().TryAsync("ada", TestSite.Password, default));
    }

    private Task<LogInOutcome> TryAsync(string name, string password = TestSite.Password) =>
        LogIn.TryAsync(name, password, CancellationToken.None);

    internal sealed class Recorder : IAuthenticationLog
    {
        private readonly List<AuthenticationEvent> _events = [];

        public AuthenticationEvent Last
        {
            get
            {
                lock (_events)
                    return _events[^1];
            }
        }

        public void Record(AuthenticationEvent what)
        {
            lock (_events)
                _events.Add(what);
        }
    }
}
