using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// What a record of 1 KiB pays for being sealed and opened: compression, AES-256-GCM and the digest, against
/// AES-256-GCM alone on the same bytes; of a blind class, one of a thousand subjects after the other.
/// </summary>
internal static class SealingBench
{
    private const int ValueBytes = 1024, Subjects = 1000;

    internal static int Run(string[] args)
    {
        if (args.Length > 0)
        {
            Console.Error.WriteLine("bench sealing takes no arguments.");
            return 2;
        }
        using SealedRecords records = new(Subjects, ValueBytes);
        (RecordSealer sealer, BenchKeys keys) = (records.Sealer, records.Keys);
        (PlainRecord[] plain, StoredRecord[] rows) = (records.Plain, records.Rows);
        int seals = 0, opens = 0;
        Action seal = () => sealer.Seal(plain[seals % Subjects], keys.All[seals++ % Subjects]);
        Action open = () => Require(sealer.Open(rows[opens++ % Subjects]));
        (Action encrypt, Action decrypt) = Bare();
        (double sealNanos, double encryptNanos) = Paired.Measure(seal, encrypt);
        (double openNanos, double decryptNanos) = Paired.Measure(open, decrypt);
        (double sealBytes, double openBytes) = (Paired.BytesOf(seal), Paired.BytesOf(open));
        double ratio = ValueBytes / rows.Average(r => r.Body.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"sealing: values of {ValueBytes} B, {Subjects} subjects; median of {Paired.Rounds} interleaved rounds\n"
            + $"seal {sealNanos,8:F0} ns {sealBytes,6:F0} B   AES-GCM alone {encryptNanos:F0} ns\n"
            + $"open {openNanos,8:F0} ns {openBytes,6:F0} B   AES-GCM alone {decryptNanos:F0} ns\n"
            + $"body {rows.Average(r => r.Body.Length),8:F0} B with everything, value over body {ratio:F2} (synth.)"));
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "sealing",
            ratios = new Dictionary<string, double>
            {
                ["seal_ns"] = Math.Round(sealNanos), ["seal_bytes"] = sealBytes, ["open_ns"] = Math.Round(openNanos),
                ["open_bytes"] = openBytes, ["seal_vs_aes"] = Math.Round(sealNanos / encryptNanos, 2),
                ["open_vs_aes"] = Math.Round(openNanos / decryptNanos, 2), ["value_vs_body"] = Math.Round(ratio, 2),
            },
        }));
        return 0;
    }

    private static (Action Encrypt, Action Decrypt) Bare()
    {
        AesGcm cipher = new(RandomNumberGenerator.GetBytes(32), 16);
        byte[] value = RandomNumberGenerator.GetBytes(ValueBytes), to = new byte[ValueBytes];
        byte[] back = new byte[ValueBytes];
        byte[] nonce = new byte[12], tag = new byte[16], associated = new byte[86];
        cipher.Encrypt(nonce, value, to, tag, associated);
        byte[] spare = new byte[ValueBytes], spareTag = new byte[16];
        return (() =>
        {
            RandomNumberGenerator.Fill(nonce);
            cipher.Encrypt(nonce, value, spare, spareTag, associated);
        }, () => cipher.Decrypt(new byte[12], to, tag, back, associated));
    }

    private static void Require(OpenedRecord opened)
    {
        if (opened.State != OpenState.Opened)
            throw new InvalidOperationException($"A record is {opened.State}.");
    }
}
