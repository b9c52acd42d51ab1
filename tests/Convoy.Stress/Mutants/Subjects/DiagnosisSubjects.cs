using System.Text;
using Convoy.Distributed.Diagnostics;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what ranks leave for finding faults: flight recordings and traces.</summary>
internal static class DiagnosisSubjects
{
    private const string Recording = """
        {"rank":0,"size":2,"process_id":11,"time":"2025-03-01T12:00:00+00:00","reason":"a rank was lost","operations":[
         {"group":"default","number":1,"kind":"AllReduce","call":"AllReduce([4] Float32, Sum)","queued_seconds":1.5,"started_seconds":1.5,"all_arrived_seconds":1.6,"finished_seconds":1.7,"error":null},
         {"group":"default","number":2,"kind":"Barrier","call":"Barrier()","queued_seconds":2.5,"started_seconds":2.5,"all_arrived_seconds":null,"finished_seconds":null,"error":null},
         {"group":"pair","number":1,"kind":"Send","call":"Send([1] Float32, to 1)","queued_seconds":3,"started_seconds":3,"all_arrived_seconds":null,"finished_seconds":3.1,"error":"lost"}]}
        """;

    private const string Trace = """
        {"displayTimeUnit":"ms","traceEvents":[{"ph":"M","name":"process_name","pid":0,"tid":0,"args":{"name":"rank 0"}},{"ph":"M","name":"thread_name","pid":0,"tid":1,"args":{"name":"training loop"}},
         {"ph":"X","name":"step 3","cat":"loop","pid":0,"tid":1,"ts":1000.5,"dur":300.25},{"ph":"X","name":"forward","cat":"loop","pid":0,"tid":1,"ts":1000.5,"dur":100},
         {"ph":"X","name":"AllReduce","cat":"communication","pid":0,"tid":2,"ts":1100.5,"dur":100,"args":{"operation":"AllReduce([4] Float32, Sum)","bytes":16,"queued_us":3.5}}]}
        """;

    public static IEnumerable<Subject> Make() =>
    [
        new("flight-recorder", FileForm.Json, "flight-recorder-rank-0.json")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Recording), Encoding.UTF8.GetBytes(Recording.Replace("\"number\":2,\"kind\":\"Barrier\",\"call\":\"Barrier()\"", "\"number\":2,\"kind\":\"Broadcast\",\"call\":\"Broadcast([4] Float32, from 0)\"", StringComparison.Ordinal))],
            Tokens = ["\"AllReduce\"", "\"Send\"", "\"AllToAll\"", "\"Barrier\"", "\"Nothing\""],
            Prepare = folder => System.IO.File.WriteAllText(Path.Combine(folder, "flight-recorder-rank-1.json"), Recording.Replace("\"rank\":0", "\"rank\":1", StringComparison.Ordinal)),
            Read = (folder, number) =>
            {
                _ = FlightRecorderAnalysis.Read(folder).ToString();
                return true;
            },
        },
        new("trace", FileForm.Json, "logs/trace-rank-0.json")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Trace)],
            Read = (folder, number) =>
            {
                // Merging removes what it has merged.
                string logs = Path.Combine(folder, "logs");
                System.IO.File.WriteAllText(TraceFile.PathFor(logs, 1), Trace);
                bool whole = true;
                return TraceFile.Merge(logs, Path.Combine(folder, "trace.json"), _ => whole = false) && whole;
            },
        },
    ];
}
