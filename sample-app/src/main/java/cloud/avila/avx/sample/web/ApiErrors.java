package cloud.avila.avx.sample.web;

import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;

/** Says in the answer what a request has met. */
@RestControllerAdvice
class ApiErrors {
    @ExceptionHandler
    ProblemDetail queryFailed(CompletionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return ProblemDetail.forStatusAndDetail(
                HttpStatus.SERVICE_UNAVAILABLE,
                "the database cannot answer now: " + cause.getMessage());
    }

    @ExceptionHandler
    ProblemDetail overloaded(RejectedExecutionException e) {
        return ProblemDetail.forStatusAndDetail(
                HttpStatus.SERVICE_UNAVAILABLE, "too busy: " + e.getMessage());
    }
}
