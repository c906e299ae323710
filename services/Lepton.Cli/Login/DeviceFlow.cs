namespace Lepton.Cli.Login;

/// <summary>The device's part while a person logs in elsewhere (RFC 8628, 3.4 and 3.5).</summary>
internal sealed class DeviceFlow(Authority authority, TimeProvider time, Action<string> tell)
{
    /// <summary>RFC 8628, 3.5: what slow_down adds, for this and all later questions.</summary>
    private static readonly TimeSpan slowDown = TimeSpan.FromSeconds(5);

    /// <summary>An authority that does not answer is asked at least so often.</summary>
    private static readonly TimeSpan awayMax = TimeSpan.FromSeconds(60);

    /// <summary>Waits until the person has decided, or the code is over.</summary>
    /// <param name="code">As the authority gave it just now.</param>
    /// <param name="again">How to begin anew, for the hint.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public async Task<TokenSet> WaitAsync(DeviceCode code, string again, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        TimeSpan interval = code.Interval;
        while (true)
        {
            await Task.Delay(interval, time, cancellation);
            if (time.GetElapsedTime(start) >= code.Lifetime)
            {
                throw Expired(again);
            }

            TokenAnswer answer;
            try
            {
                answer = await authority.PollAsync(code, cancellation);
            }
            catch (AuthorityAway away)
            {
                interval = interval * 2 < awayMax ? interval * 2 : awayMax; // RFC 8628, 3.5: exponential back-off
                tell($"{away.Message} Asking again in {interval.TotalSeconds:0} s.");
                continue;
            }

            switch (answer)
            {
                case TokenAnswer.Granted granted:
                    return granted.Tokens;
                case TokenAnswer.Refused { Error: "authorization_pending" }:
                    break;
                case TokenAnswer.Refused { Error: "slow_down" }:
                    interval += slowDown;
                    break;
                case TokenAnswer.Refused { Error: "expired_token" }:
                    throw Expired(again);
                case TokenAnswer.Refused { Error: "access_denied" }:
                    throw new CommandFailure(ExitCode.Failed, "The log-in was refused, where the code was entered.")
                    {
                        Hints = [$"If that was a mistake: {again}"],
                    };
                case TokenAnswer.Refused refused:
                    throw new CommandFailure(
                        ExitCode.Failed, $"The authority {authority.Issuer} ended the log-in: {refused.Text}")
                    {
                        Hints = [$"Begin again: {again}"],
                    };
            }
        }
    }

    private static CommandFailure Expired(string again) =>
        new(ExitCode.Failed, "The code has expired: nobody entered it in time.")
        {
            Hints = [$"Get a new one: {again}"],
        };
}
